import type { Clock } from '../domain/clock.ts'

/** A task with a deadline. */
export interface Timed {
  /** Monotonic milliseconds. */
  readonly expiresAt: number
  /** Called at most once, and never after `remove`. */
  expire(): void
}

export interface DeadlineOptions {
  readonly clock: Clock
  /** How often the deadlines are checked. A task that would end before the next check ends now: no task ends late. */
  readonly intervalMs: number
}

/** One timer for all deadlines, which keeps no process alive. A timer for each of thousands of requests a second would cost more than the requests. */
export class Deadlines {
  readonly #options: DeadlineOptions
  readonly #waiting = new Set<Timed>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: DeadlineOptions) {
    this.#options = options
  }

  add(timed: Timed): void {
    this.#waiting.add(timed)
    this.#timer ??= setInterval(() => this.#expireDue(), this.#options.intervalMs).unref()
  }

  remove(timed: Timed): void {
    this.#waiting.delete(timed)
  }

  #expireDue(): void {
    const soon = this.#options.clock.monotonic() + this.#options.intervalMs
    for (const timed of this.#waiting) {
      if (timed.expiresAt > soon) continue
      this.#waiting.delete(timed)
      timed.expire()
    }
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
