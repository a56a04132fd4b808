import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/log.ts'
import type { Outcome, Question } from './calls.ts'
import type { DirectorySettings } from './settings.ts'
import { type Call, DirectoryThread, type Unanswered } from './thread.ts'

export interface CrewOptions {
  /** The module that each thread runs. */
  readonly entry: URL
  readonly settings: DirectorySettings
  readonly threads: number
  /** Questions at the same time, over all threads; one more is refused at once. */
  readonly mostJobs: number
  readonly clock: Clock
  readonly log: Log
}

/** A login whose user is being looked for, and whose password is to come. */
export interface Begun {
  /** @see Crew.ask */
  finish(password: string): Promise<Outcome>
  /** Where no password is to be tried. Once it is finished this means nothing. */
  drop(): void
}

/** How often threads and deadlines are looked at while there is work. */
const LOOK_EVERY_MS = 20
/** So many looks without a sign of life, and a thread is held to be lost: 300 ms. */
const MOST_MISSED = 15
/** A look that comes so late shows that the machine has too much to do; then a thread is given more time. */
const LATE_LOOK_MS = 2 * LOOK_EVERY_MS
const LATE_LOOK_COUNTS = 0.25
/** A thread that is starting has no pulse yet: 10 s. */
const MOST_MISSED_AT_START = 500
/** A thread has so much less time than there is, so that what it says of the cause still arrives in time. */
const ANSWER_EARLY_MS = 50
const RESTART_AFTER_MS = 500
/**
 * A thread that always has something to do wakes up less often, and gets and gives several answers at a time. So the one
 * that has answered in the last so many milliseconds, and therefore is not held, gets the next question as well …
 */
const LIVELY_MS = 10
/** … up to so many, for which it has connections for binds; beyond them they would wait for those. */
const WORTH_ANOTHER = 16
/** A question that outlives two threads is not put to a third. */
const MOST_ATTEMPTS = 2

/**
 * The threads that speak LDAP, and a watch over them. ldapjs can be brought to read one malformed message for ever; a
 * thread that shows no sign of life is ended and replaced, and what it had in hand goes to another, but for the
 * question whose message it was, and for those whose password had been sent already.
 */
export class Crew {
  readonly #options: CrewOptions
  readonly #threads = new Map<DirectoryThread, { missed: number; readonly startedAt: number }>()
  /** With where they are; each is somewhere until it is settled. */
  readonly #calls = new Map<Call, (password: string | undefined) => void>()
  #watch: NodeJS.Timeout | undefined
  #lookedAt = 0
  #isClosing = false

  constructor(options: CrewOptions) {
    this.#options = options
    for (let count = 0; count < options.threads; count++) this.#start()
  }

  /** @param deadline monotonic milliseconds. Always answers, and by then. */
  ask(question: Question, deadline: number): Promise<Outcome> {
    return new Promise((resolve) => void this.#call(question, deadline, resolve))
  }

  /** Has a user looked for already. @param deadline as of `ask` */
  begin(user: string, deadline: number): Begun {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const call = this.#call(['begin', user], deadline, resolve)
    return {
      finish: (password) => {
        call.question = ['login', user, password]
        this.#calls.get(call)?.(password)
        return promise
      },
      drop: () => {
        if (call.question[0] !== 'begin') return
        this.#calls.get(call)?.(undefined)
        call.settle({ kind: 'unknown' })
      },
    }
  }

  #call(question: Question, deadline: number, resolve: (outcome: Outcome) => void): Call {
    const call: Call = {
      question,
      deadline,
      attempts: 0,
      settle: (outcome) => {
        this.#calls.delete(call)
        resolve(outcome)
      },
    }
    this.#calls.set(call, () => {})
    this.#watch ??= setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#assign(call)
    return call
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#watch)
    for (const call of this.#calls.keys()) call.settle(unavailable('the broker is stopping'))
    await Promise.all([...this.#threads.keys()].map((thread) => thread.close()))
  }

  #start(): void {
    const { entry, settings, mostJobs, threads, clock } = this.#options
    const thread = new DirectoryThread({
      entry,
      settings,
      clock,
      mostJobs: Math.ceil(mostJobs / threads),
      onLog: ({ level, event, fields }) => this.#options.log[level](event, fields),
      onEnd: (ended, cause, unanswered) => this.#replace(ended, cause, unanswered),
    })
    this.#threads.set(thread, { missed: 0, startedAt: clock.monotonic() })
  }

  #assign(call: Call): void {
    const now = this.#options.clock.monotonic()
    const thread = this.#pick(now)
    const budgetMs = call.deadline - now - ANSWER_EARLY_MS
    if (this.#isClosing) call.settle(unavailable('the broker is stopping'))
    else if (budgetMs <= 0) call.settle(unavailable('no time is left'))
    else if (this.#threads.size === 0) call.settle(unavailable('its threads are being started again'))
    else if (thread === undefined) call.settle(unavailable(`${this.#calls.size - 1} logins wait already`))
    else {
      const slot = thread.ask(call, budgetMs)
      this.#calls.set(call, (password) => thread.follow(slot, call, password))
    }
  }

  /** One that is lively, if any, or else is ready; those of equal load take turns. */
  #pick(now: number): DirectoryThread | undefined {
    const open = [...this.#threads.keys()].filter(({ isFull }) => !isFull)
    const ready = open.filter(({ isReady }) => isReady)
    const lively = ready.find(({ answeredAt, load }) => now - answeredAt < LIVELY_MS && load < WORTH_ANOTHER)
    const [first, ...others] = ready.length > 0 ? ready : open
    if (lively !== undefined || first === undefined) return lively
    return others.reduce((best, thread) => (thread.load < best.load ? thread : best), first)
  }

  #look(): void {
    const now = this.#options.clock.monotonic()
    const weight = now - this.#lookedAt > LATE_LOOK_MS ? LATE_LOOK_COUNTS : 1
    this.#lookedAt = now
    for (const [thread, watched] of this.#threads) {
      const isWell = thread.hasStirred() || thread.load === 0
      watched.missed = isWell ? 0 : watched.missed + weight
      if (watched.missed >= (thread.isReady ? MOST_MISSED : MOST_MISSED_AT_START))
        thread.kill('its thread gave no sign of life')
    }
    // What ends before the next look ends now: nothing may be answered late.
    const soon = now + LOOK_EVERY_MS
    for (const call of this.#calls.keys())
      if (call.deadline <= soon) call.settle(unavailable('no answer in time'))
    if (this.#calls.size > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #replace(thread: DirectoryThread, cause: string, unanswered: readonly Unanswered[]): void {
    const startedAt = this.#threads.get(thread)?.startedAt ?? 0
    this.#threads.delete(thread)
    if (this.#isClosing) return
    const { clock, log, settings } = this.#options
    const afterMs = clock.monotonic() - startedAt
    log.warn('ldap.thread_replaced', { identity: settings.name, cause, unanswered: unanswered.length })
    // One that ends at once would end at once again.
    if (afterMs < RESTART_AFTER_MS) void this.#startLater()
    else this.#start()
    for (const each of unanswered) this.#askAgain(each, cause)
  }

  async #startLater(): Promise<void> {
    await sleep(RESTART_AFTER_MS, undefined, { ref: false })
    if (!this.#isClosing) this.#start()
  }

  #askAgain({ call, isCulprit, isBindSent }: Unanswered, cause: string): void {
    if (!this.#calls.has(call)) return
    call.attempts += 1
    if (isBindSent) call.settle({ kind: 'unavailable', cause, sent: true })
    else if (isCulprit) call.settle(unavailable('what the directory sent for this user cannot be read'))
    else if (call.attempts >= MOST_ATTEMPTS) call.settle(unavailable(cause))
    else this.#assign(call)
  }
}

function unavailable(cause: string): Outcome {
  return { kind: 'unavailable', cause, sent: false }
}
