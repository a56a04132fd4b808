interface MarksOfKey {
  /** When each mark lapses, the first to lapse first. */
  readonly lapses: Map<string, number>
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
  readonly #keys = new Map<string, MarksOfKey>()

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
    for (const [id, lapse] of lapses) {
      if (lapse > now) break
      lapses.delete(id)
    }
    return lapses.size
  }

  /** Milliseconds until the next mark of the key lapses; Infinity where it has none. */
  untilNextLapse(key: string, now: number): number {
    for (const lapse of this.#keys.get(key)?.lapses.values() ?? []) {
      if (lapse > now) return lapse - now
    }
    return Number.POSITIVE_INFINITY
  }

  add(key: string, id: string, now: number): void {
    const lapses = this.#keys.get(key)?.lapses ?? new Map<string, number>()
    this.count(key, now)
    lapses.delete(id)
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
    let looked = 0
    for (const [key, { lastLapse }] of this.#keys) {
      if (lastLapse > now && this.#keys.size < this.#capacity) return
      this.#keys.delete(key)
      looked += 1
      if (looked === 2) return
    }
  }
}
