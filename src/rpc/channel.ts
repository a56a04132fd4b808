import type { Clock } from '../domain/clock.ts'
import { Unavailable } from '../domain/errors.ts'
import { type Failure, failureOf, toError } from './failure.ts'

/** A call as it crosses. Rows of values are cheaper to copy than objects. */
export type Call = readonly [id: number, method: string, argument: unknown]

/** The answer to a call: its value, or why there is none. */
export type Answer = readonly [id: number, value: unknown, failure?: Failure]

/** Everything that one end sends in one turn of its event loop: a message costs more than what is in it. */
export interface Message {
  readonly calls: readonly Call[]
  readonly answers: readonly Answer[]
}

export interface RpcChannelOptions {
  /** What the other end is, for the message of an outage: `parent process`. */
  readonly name: string
  /**
   * Sends a message. @param sent to be called when it has left this thread or process.
   * @returns false if the other end is gone. @throws if a value in it cannot be sent.
   */
  readonly post: (message: Message, sent: () => void) => boolean
  /** Answers a call of the other end. An error that it throws is thrown at the other end. */
  readonly handle?: (method: string, argument: unknown) => Promise<unknown>
  readonly clock: Clock
  /** Calls that may wait for an answer; more are refused at once. */
  readonly maxWaiting?: number
  /** Milliseconds that an answer may take, unless the call says otherwise. */
  readonly timeoutMs?: number
}

interface Waiting {
  /** Monotonic milliseconds. */
  readonly until: number
  readonly timeoutMs: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

const MAX_WAITING = 10_000
/** The other end may be busy with a new configuration, and a login has other steps to take yet. */
const TIMEOUT_MS = 2000
const CHECK_EVERY_MS = 100
/** Messages that have not left this process. If there are more, the other end does not read. */
const MAX_UNSENT = 100

/** Calls and their answers between two threads or two processes, in both directions. */
export class RpcChannel {
  readonly #options: RpcChannelOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #timer: NodeJS.Timeout
  #calls: Call[] = []
  #answers: Answer[] = []
  #nextId = 0
  #unsent = 0
  #closedBecause: string | undefined
  #whenIdle: (() => void) | undefined

  constructor(options: RpcChannelOptions) {
    this.#options = options
    // Answers that came while this end was busy itself are read between the timer and the check.
    this.#timer = setInterval(() => setImmediate(() => this.#rejectLate()), CHECK_EVERY_MS).unref()
  }

  /** @throws Unavailable if no answer comes in time, and what the other end throws. */
  call(
    method: string,
    argument?: unknown,
    timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS,
  ): Promise<unknown> {
    const { name, clock, maxWaiting = MAX_WAITING } = this.#options
    if (this.#closedBecause !== undefined) return Promise.reject(new Unavailable(name, this.#closedBecause))
    if (this.#waiting.size >= maxWaiting || this.#unsent >= MAX_UNSENT)
      return Promise.reject(new Unavailable(name, `${this.#waiting.size} calls are waiting already`))
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      const until = clock.monotonic() + timeoutMs
      this.#waiting.set(id, { until, timeoutMs, resolve, reject })
      this.#flushLater()
      this.#calls.push([id, method, argument])
    })
  }

  /** The other end has sent this. */
  receive({ calls, answers }: Message): void {
    for (const [id, value, failure] of answers) {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (failure) waiting?.reject(toError(failure))
      else waiting?.resolve(value)
    }
    if (this.#waiting.size === 0) this.#whenIdle?.()
    if (this.#closedBecause !== undefined) return
    for (const [id, method, argument] of calls) {
      const handled =
        this.#options.handle?.(method, argument) ?? Promise.reject(new Error(`no ${method} here`))
      handled.then(
        (value) => this.#answer([id, value]),
        (error: unknown) => this.#answer([id, null, failureOf(error)]),
      )
    }
  }

  /** Resolves when no call waits for an answer. */
  async idle(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
  }

  /** The other end is gone: all calls that wait fail, and so do later ones. */
  close(because = 'it is gone'): void {
    if (this.#closedBecause !== undefined) return
    this.#closedBecause = because
    clearInterval(this.#timer)
    for (const { reject } of this.#waiting.values()) reject(new Unavailable(this.#options.name, because))
    this.#waiting.clear()
    this.#whenIdle?.()
  }

  #answer(answer: Answer): void {
    this.#flushLater()
    this.#answers.push(answer)
  }

  #flushLater(): void {
    if (this.#calls.length + this.#answers.length === 0) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const message = { calls: this.#calls, answers: this.#answers }
    this.#calls = []
    this.#answers = []
    try {
      this.#post(message)
    } catch {
      // One value that cannot be sent must not take those with it that were ready in the same turn.
      for (const call of message.calls) this.#postAlone({ calls: [call], answers: [] })
      for (const answer of message.answers) this.#postAlone({ calls: [], answers: [answer] })
    }
  }

  #postAlone(message: Message): void {
    try {
      this.#post(message)
    } catch (error) {
      const failure = failureOf(error)
      const failed = (id: number): Answer => [id, null, failure]
      this.receive({ calls: [], answers: message.calls.map(([id]) => failed(id)) })
      if (message.answers.length > 0)
        this.#post({ calls: [], answers: message.answers.map(([id]) => failed(id)) })
    }
  }

  #post(message: Message): void {
    if (this.#closedBecause !== undefined) return
    let isSent = false
    this.#unsent += 1
    const sent = () => {
      if (!isSent) this.#unsent -= 1
      isSent = true
    }
    try {
      if (!this.#options.post(message, sent)) this.close()
    } catch (error) {
      sent()
      throw error
    }
  }

  #rejectLate(): void {
    const now = this.#options.clock.monotonic()
    for (const [id, { until, timeoutMs, reject }] of this.#waiting) {
      if (until > now) continue
      this.#waiting.delete(id)
      reject(new Unavailable(this.#options.name, `no answer within ${timeoutMs} ms`))
    }
  }
}
