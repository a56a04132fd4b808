import { ConnectionLost } from './connection-lost.ts'
import { Doing, type Slots } from './slots.ts'

/** For whom something is read from a server. */
export interface Owner {
  /** Should `read` never come back, the watchdog can tell whose message it was. */
  whileDecoding<T>(read: () => T): T
}

/** For what the broker does by itself. */
export const NOBODY: Owner = { whileDecoding: (read) => read() }

/** One question of the main thread, while it is being worked on. */
export class Job implements Owner {
  readonly slot: number
  /** Monotonic milliseconds of this thread. */
  readonly expiresAt: number
  readonly #slots: Slots
  readonly #password = Promise.withResolvers<string | undefined>()
  #isBindSent = false
  #isOver = false

  constructor(slot: number, expiresAt: number, slots: Slots) {
    this.slot = slot
    this.expiresAt = expiresAt
    this.#slots = slots
  }

  /** Of a login that was begun without; undefined where it is not to be tried. */
  get password(): Promise<string | undefined> {
    return this.#password.promise
  }

  learn(password: string | undefined): void {
    this.#password.resolve(password)
  }

  /** Answered, be it for want of time: its slot may be another's by now, and nothing more is sent for it. */
  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    this.#isOver = true
  }

  /** Whether the user's password has been sent to a directory, which may count it. */
  get isBindSent(): boolean {
    return this.#isBindSent
  }

  /**
   * To be called before a password is sent. Said first and asked afterwards: where this thread is given up at the same
   * moment, either the main thread sees that it was sent, or it is not sent. @throws ConnectionLost
   */
  noteBindSent(): void {
    if (this.#isOver) throw new ConnectionLost('busy', 'no time is left')
    this.#slots.raise(this.slot, Doing.bindSent)
    if (this.#slots.isRevoked) throw new ConnectionLost('closed', 'this thread is given up')
    this.#isBindSent = true
  }

  whileDecoding<T>(read: () => T): T {
    if (this.#isOver) return read()
    this.#slots.raise(this.slot, Doing.decoding)
    const value = read()
    this.#slots.lower(this.slot, Doing.decoding)
    return value
  }
}
