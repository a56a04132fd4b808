import type { Clock } from '../../domain/clock.ts'

const MIN_SIZE = 16
/** In a longer group the first caller would wait for the last one's work. */
const MAX_SIZE = 128
/** Target ratio of write time to commit (fsync) time. */
const WORK_PER_WAIT = 2
/** How much the latest group counts. */
const WEIGHT = 0.1

/**
 * How many writes share a commit at most. If all waiting writes formed one group, the main thread would have nothing to
 * do while it is written: the threads would take turns instead of working side by side. So a group is only as long as
 * its wait for the disk is worth.
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
    return Math.min(MAX_SIZE, Math.max(MIN_SIZE, worthwhile))
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
