import type { Clock } from './clock.ts'

/** Something that must be over at a time. */
export interface Timed {
  /** Monotonic milliseconds. */
  readonly expiresAt: number
  /** Called at most once, and never after `remove`. */
  expire(): void
}

export interface DeadlineOptions {
  readonly clock: Clock
  /** What ends within the next so many milliseconds ends now: nothing may end late. */
  readonly everyMs: number
  /** Called each time that the deadlines are looked at, which happens only while there are any. */
  readonly onTick?: () => void
}

/** One timer for everything that waits: a timer for each of thousands of requests a second would cost more than they do. */
export class Deadlines {
  readonly #options: DeadlineOptions
  readonly #waiting = new Set<Timed>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: DeadlineOptions) {
    this.#options = options
  }

  add(timed: Timed): void {
    this.#waiting.add(timed)
    this.#timer ??= setInterval(() => this.#look(), this.#options.everyMs)
  }

  remove(timed: Timed): void {
    this.#waiting.delete(timed)
  }

  #look(): void {
    this.#options.onTick?.()
    const soon = this.#options.clock.monotonic() + this.#options.everyMs
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
