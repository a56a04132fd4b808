import type { Clock } from '../domain/clock.ts'

const A_SECOND = 1000
const LINES_A_SECOND = 10

/** Lets ten lines a second through and counts the others: an outage under load must not fill the log. */
export class Sparing {
  readonly #clock: Clock
  #since = Number.NEGATIVE_INFINITY
  #told = 0
  #unsaid = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param tell is given how many were kept back since the line before. */
  tell(tell: (before: number) => void): void {
    const now = this.#clock.monotonic()
    if (now - this.#since >= A_SECOND) {
      this.#since = now
      this.#told = 0
    }
    if (this.#told >= LINES_A_SECOND) {
      this.#unsaid += 1
      return
    }
    tell(this.#unsaid)
    this.#told += 1
    this.#unsaid = 0
  }
}
