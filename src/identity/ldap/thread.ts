import { Worker } from 'node:worker_threads'
import type { Clock } from '../../domain/clock.ts'
import type { Asked, FromThread, LogLine, Outcome, Question, ThreadStart, ToThread } from './calls.ts'
import { Doing, Slots } from './slots.ts'

export interface ThreadOptions {
  /** The module that the thread runs. */
  readonly entry: URL
  readonly settings: ThreadStart['settings']
  readonly clock: Clock
  /** Questions that it may have at the same time. */
  readonly mostJobs: number
  readonly onLog: (line: LogLine) => void
  /** Called once, when it has ended or is given up, with what it had not answered. */
  readonly onEnd: (thread: DirectoryThread, cause: string, unanswered: readonly Unanswered[]) => void
}

/** One question, and who waits for its answer. */
export interface Call {
  question: Question
  /** Monotonic milliseconds. */
  readonly deadline: number
  /** How often a thread has ended over it. */
  attempts: number
  settle(outcome: Outcome): void
}

export interface Unanswered {
  readonly call: Call
  /** The message that the thread was reading when it ended was for this one. */
  readonly isCulprit: boolean
  readonly isBindSent: boolean
}

/** Bounds what a reader that never comes back may fill before it is noticed. */
const MOST_MEMORY_MB = 256
const CLOSE_WITHIN_MS = 1000

/** This side of a thread that speaks LDAP. */
export class DirectoryThread {
  readonly #options: ThreadOptions
  readonly #worker: Worker
  readonly #slots: Slots
  readonly #free: number[]
  readonly #calls = new Map<number, Call>()
  #unsent: Asked[] = []
  readonly #ended: Promise<void>
  #isReady = false
  #isGivenUp = false
  #cause = 'its thread ended'
  #seenPulse = 0
  #hasSpoken = false
  #answeredAt = Number.NEGATIVE_INFINITY

  constructor(options: ThreadOptions) {
    this.#options = options
    const { entry, settings, mostJobs } = options
    this.#slots = Slots.make(mostJobs)
    this.#free = Array.from({ length: mostJobs }, (_, index) => mostJobs - 1 - index)
    const workerData: ThreadStart = { settings, slots: this.#slots.memory }
    this.#worker = new Worker(entry, {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB },
    })
    this.#worker.on('message', (message: FromThread) => this.#receive(message))
    this.#worker.on('error', (error: unknown) => {
      this.#cause = `its thread failed: ${error instanceof Error ? error.message : String(error)}`
    })
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()))
    void this.#ended.then(() => this.#giveUp())
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Questions without an answer. */
  get load(): number {
    return this.#calls.size
  }

  /** Monotonic milliseconds of its latest answer. */
  get answeredAt(): number {
    return this.#answeredAt
  }

  get isFull(): boolean {
    return this.#free.length === 0
  }

  /** @param budgetMs left for it. Not to be called while full. @returns where it is. */
  ask(call: Call, budgetMs: number): number {
    const slot = this.#free.pop()
    if (slot === undefined) throw new Error('the thread is full')
    this.#slots.reset(slot)
    this.#calls.set(slot, call)
    this.#sendSoon([slot, budgetMs, call.question])
    return slot
  }

  /** Hands on the password of what was begun in this slot, or that nobody waits for it. */
  follow(slot: number, call: Call, password: string | undefined): void {
    if (this.#calls.get(slot) === call) this.#sendSoon([slot, 0, ['password', password]])
  }

  /** Whether it has shown a sign of life since this was asked last. */
  hasStirred(): boolean {
    const { pulse } = this.#slots
    const stirred = this.#hasSpoken || pulse !== this.#seenPulse
    this.#seenPulse = pulse
    this.#hasSpoken = false
    return stirred
  }

  /** Gives it up at once, and ends it, which can take its time where it is busy with its memory. */
  kill(cause: string): void {
    this.#cause = cause
    this.#giveUp()
    void this.#worker.terminate()
  }

  /** Has it say goodbye to its servers and end. */
  async close(): Promise<void> {
    this.#send({ kind: 'close' })
    const impatient = setTimeout(() => void this.#worker.terminate(), CLOSE_WITHIN_MS)
    await this.#ended
    clearTimeout(impatient)
  }

  /** One message for all questions of this turn: messages cost more than what is in them. */
  #sendSoon(asked: Asked): void {
    if (this.#unsent.push(asked) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const asked = this.#unsent
    this.#unsent = []
    this.#send({ kind: 'ask', asked })
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  #receive(message: FromThread): void {
    this.#hasSpoken = true
    if (message.kind === 'ready') this.#isReady = true
    else if (message.kind === 'log') this.#options.onLog(message.line)
    else {
      this.#answeredAt = this.#options.clock.monotonic()
      for (const [slot, outcome] of message.answers) this.#settle(slot, outcome)
    }
  }

  #settle(slot: number, outcome: Outcome): void {
    const call = this.#calls.get(slot)
    if (call === undefined) return
    this.#calls.delete(slot)
    this.#free.push(slot)
    call.settle(outcome)
  }

  #giveUp(): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    this.#slots.revoke()
    const unanswered = [...this.#calls].map(([slot, call]) => ({
      call,
      isCulprit: this.#slots.isRaised(slot, Doing.decoding),
      isBindSent: this.#slots.isRaised(slot, Doing.bindSent),
    }))
    this.#calls.clear()
    this.#options.onEnd(this, this.#cause, unanswered)
  }
}
