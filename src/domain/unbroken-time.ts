import type { Clock } from './clock.ts'

/** More than a time service corrects by slewing between two looks. */
const STEP_MS = 5000

/**
 * For how long nothing has kept news from being noted with their time: no start, no outage, no step of the clock. Who
 * was silent for less may only not have been heard.
 */
export class UnbrokenTime {
  readonly #clock: Clock
  /** Monotonic and wall milliseconds. */
  #since: number
  #offset: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
    this.#offset = clock.now() - this.#since
  }

  /** Something kept news away until now. */
  broken(): void {
    this.#since = this.#clock.monotonic()
    this.#offset = this.#clock.now() - this.#since
  }

  /** Milliseconds. Call it every minute or so: a clock that is stepped and stepped back in between is not noticed. */
  elapsedMs(): number {
    const monotonic = this.#clock.monotonic()
    if (Math.abs(this.#clock.now() - monotonic - this.#offset) > STEP_MS) this.broken()
    return monotonic - this.#since
  }
}
