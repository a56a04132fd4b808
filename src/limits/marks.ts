import { OldestFirst } from '../domain/oldest-first.ts'

interface MarksOfKey {
  /** When each mark lapses, the first to lapse first. */
  readonly lapses: OldestFirst<number>
  lastLapse: number
}

/**
 * Marks under keys; each lapses a fixed time after it was made. Times are monotonic milliseconds. Where there are too
 * many keys, the one that was marked longest ago is forgotten.
 */
export class Marks {
  readonly #lifeMs: number
  readonly #capacity: number
  /** In the order of their last mark, and so of their end. */
  readonly #keys = new OldestFirst<MarksOfKey>()

  constructor(lifeMs: number, capacity: number) {
    this.#lifeMs = lifeMs
    this.#capacity = capacity
  }

  /** Keys that are remembered; a few of them may have lapsed. */
  get size(): number {
    return this.#keys.size
  }

  count(key: string, now: number): number {
    const lapses = this.#keys.get(key)?.lapses
    if (lapses === undefined) return 0
    lapses.dropWhile((lapse) => lapse <= now)
    return lapses.size
  }

  /** Milliseconds until the next mark of the key lapses; Infinity where it has none. */
  untilNextLapse(key: string, now: number): number {
    this.count(key, now)
    const next = this.#keys.get(key)?.lapses.oldest
    return next === undefined ? Number.POSITIVE_INFINITY : next.value - now
  }

  add(key: string, id: string, now: number): void {
    const lapses = this.#keys.get(key)?.lapses ?? new OldestFirst<number>()
    this.count(key, now)
    lapses.set(id, now + this.#lifeMs)
    this.#keys.delete(key)
    this.#makeRoom(now)
    this.#keys.set(key, { lapses, lastLapse: now + this.#lifeMs })
  }

  remove(key: string, id: string): void {
    const lapses = this.#keys.get(key)?.lapses
    if (lapses?.delete(id) === true && lapses.size === 0) this.#keys.delete(key)
  }

  clear(key: string): void {
    this.#keys.delete(key)
  }

  /** Drops what has lapsed a little faster than it comes, so that no call takes long. */
  #makeRoom(now: number): void {
    for (let looked = 0; looked < 2; looked++) {
      const { oldest } = this.#keys
      if (oldest === undefined || (oldest.value.lastLapse > now && this.#keys.size < this.#capacity)) return
      this.#keys.delete(oldest.key)
    }
  }
}
