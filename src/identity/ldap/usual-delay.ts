import { setTimeout as sleep } from 'node:timers/promises'

const REMEMBERED = 15
/** In milliseconds. A refusal need not imitate an outage. */
const LONGEST_MS = 1500

/** How long a directory takes to refuse a bind, so that an answer for which it is not asked can take as long. */
export class UsualDelay {
  readonly #recent: number[] = []

  /** @param ms what one refusal took. */
  note(ms: number): void {
    this.#recent.push(Math.min(ms, LONGEST_MS))
    if (this.#recent.length > REMEMBERED) this.#recent.shift()
  }

  /** The median of the last refusals, in milliseconds; 0 before the first. */
  get ms(): number {
    const ordered = this.#recent.toSorted((a, b) => a - b)
    return ordered[ordered.length >> 1] ?? 0
  }

  async pass(): Promise<void> {
    await sleep(this.ms)
  }
}
