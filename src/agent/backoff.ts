import type { Randomness } from '../domain/random.ts'

const MIN_MS = 1000
const MAX_MS = 30_000

/** How long to wait before the next try: longer after each failure, and never in step with other agents. */
export class Backoff {
  readonly #random: Randomness
  #failures = 0

  constructor(random: Randomness) {
    this.#random = random
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** @returns milliseconds, from 1 s to 30 s. */
  next(): number {
    this.#failures = Math.min(this.#failures + 1, 5)
    const most = Math.min(MAX_MS, MIN_MS * 2 ** this.#failures)
    return MIN_MS + Math.floor(((most - MIN_MS) * this.#random.bytes(1).readUInt8()) / 255)
  }
}
