import type { Clock } from '../../domain/clock.ts'

const LEAST = 16
/** In a longer group the first caller would wait for the last one's work. */
const MOST = 128
/** So many times as long as for the disk a group works. */
const WORK_PER_WAIT = 2
/** How much the latest group counts. */
const WEIGHT = 0.1

/**
 * How many writes share a commit at most. A group of all who wait leaves nobody for whom anything else could be done
 * meanwhile: the threads would work in turns, not side by side. So it is only as long as its wait for the disk is
 * worth.
 */
export class GroupSize {
  readonly #clock: Clock
  #writeMs = 0.2
  #commitMs = 1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get most(): number {
    const worthwhile = Math.ceil((WORK_PER_WAIT * this.#commitMs) / this.#writeMs)
    return Math.min(MOST, Math.max(LEAST, worthwhile))
  }

  /** @returns to be called when all is written, and once more when it has reached the disk. */
  watch(writes: number): { written(): void; committed(): void } {
    let since = this.#clock.monotonic()
    const elapsed = () => {
      const before = since
      since = this.#clock.monotonic()
      return since - before
    }
    return {
      written: () => {
        this.#writeMs += WEIGHT * (elapsed() / writes - this.#writeMs)
      },
      committed: () => {
        this.#commitMs += WEIGHT * (elapsed() - this.#commitMs)
      },
    }
  }
}
