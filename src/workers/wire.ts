import type { Serializable } from 'node:child_process'
import type { Clock } from '../domain/clock.ts'
import { Unavailable } from '../domain/person.ts'
import type { Failure, Question, Reply } from './messages.ts'

export interface WireOptions {
  /** What the other end is, for the words of an outage: `parent process`. */
  readonly name: string
  /** Passes a message on. @param done told when it has left this process. @returns false where that cannot be. */
  readonly send: (message: Serializable, done: () => void) => boolean
  /** Answers what the other end asks. */
  readonly answer: (what: string, about: unknown) => Promise<unknown>
  readonly clock: Clock
  /** Questions without an answer yet; more are refused at once. */
  readonly atMost?: number
  /** Milliseconds for an answer. */
  readonly withinMs?: number
}

interface Waiting {
  readonly until: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

const AT_MOST = 10_000
const WITHIN_MS = 1000
/** How often it is looked for questions that have waited for too long. */
const LOOK_EVERY_MS = 100
/** Messages that have not left this process: the other end does not read, and more would only fill the memory. */
const UNSENT_AT_MOST = 100

/**
 * Questions and answers between two processes. Those of one turn of the event loop are one message, as messages cost
 * more than what is in them.
 */
export class Wire {
  readonly #options: WireOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #timer: NodeJS.Timeout
  #questions: Question[] = []
  #answers: Reply[] = []
  #nextId = 0
  #unsent = 0
  #isCut = false

  constructor(options: WireOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#lookForLate(), LOOK_EVERY_MS).unref()
  }

  /** @throws Unavailable where no answer comes in time, and what the other end throws. */
  ask(what: string, about?: unknown): Promise<unknown> {
    const { name, clock, atMost = AT_MOST, withinMs = WITHIN_MS } = this.#options
    if (this.#isCut) return Promise.reject(new Unavailable(name, 'it is gone'))
    if (this.#waiting.size >= atMost || this.#unsent >= UNSENT_AT_MOST)
      return Promise.reject(new Unavailable(name, `${this.#waiting.size} questions wait already`))
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#waiting.set(id, { until: clock.monotonic() + withinMs, resolve, reject })
      this.#soon()
      this.#questions.push({ id, what, about })
    })
  }

  /** The other end has asked. */
  take(questions: readonly Question[]): void {
    // Of one that has ended nothing is begun any more.
    if (this.#isCut) return
    for (const { id, what, about } of questions) {
      this.#options.answer(what, about).then(
        (value) => this.#reply({ id, value }),
        (error: unknown) => this.#reply({ id, failure: failureOf(error) }),
      )
    }
  }

  /** The other end has answered. */
  settle(answers: readonly Reply[]): void {
    for (const answer of answers) {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('failure' in answer) waiting?.reject(errorOf(answer.failure))
      else waiting?.resolve(answer.value)
    }
  }

  /** The other end has ended. */
  cut(): void {
    this.#isCut = true
    clearInterval(this.#timer)
    const { name } = this.#options
    for (const { reject } of this.#waiting.values()) reject(new Unavailable(name, 'it is gone'))
    this.#waiting.clear()
  }

  #reply(answer: Reply): void {
    this.#soon()
    this.#answers.push(answer)
  }

  #soon(): void {
    if (this.#questions.length + this.#answers.length === 0) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const questions = this.#questions
    const answers = this.#answers
    this.#questions = []
    this.#answers = []
    if (questions.length > 0) this.#send({ kind: 'questions', questions })
    if (answers.length > 0) this.#send({ kind: 'answers', answers })
  }

  #send(message: object): void {
    if (this.#isCut) return
    this.#unsent += 1
    const done = () => {
      this.#unsent -= 1
    }
    if (!this.#options.send(message, done)) this.cut()
  }

  #lookForLate(): void {
    const now = this.#options.clock.monotonic()
    // In the order in which they were asked, and so of their ends.
    for (const [id, { until, reject }] of this.#waiting) {
      if (until > now) return
      this.#waiting.delete(id)
      reject(new Unavailable(this.#options.name, 'no answer in time'))
    }
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Unavailable) {
    return { kind: 'unavailable', what: error.what, cause: error.message.slice(`${error.what}: `.length) }
  }
  return { kind: 'error', message: error instanceof Error ? error.message : String(error) }
}

function errorOf(failure: Failure): Error {
  return failure.kind === 'unavailable'
    ? new Unavailable(failure.what, failure.cause)
    : new Error(failure.message)
}
