import { LinkedMap } from '../pacing/linked-map.ts'

interface KeyEntry {
  /** When each point was added, the oldest first. */
  readonly points: LinkedMap<number>
  lastAdded: number
}

/**
 * Points under keys, each of which expires a fixed time after it was added. Times are monotonic milliseconds. With more
 * than `capacity` keys, the one that was added to longest ago is forgotten.
 */
export class SlidingWindow {
  readonly #ttlMs: number
  readonly #capacity: number
  /** In the order of their last point, and so of their expiry. */
  readonly #keys: LinkedMap<KeyEntry>

  constructor(ttlMs: number, capacity: number, keys = new LinkedMap<KeyEntry>()) {
    this.#ttlMs = ttlMs
    this.#capacity = capacity
    this.#keys = keys
  }

  /** The same points with another life: what is added to either counts in both. */
  lasting(ttlMs: number): SlidingWindow {
    return new SlidingWindow(ttlMs, this.#capacity, this.#keys)
  }

  /** Keys that are remembered, a few of which may have expired. */
  get size(): number {
    return this.#keys.size
  }

  count(key: string, now: number): number {
    const points = this.#keys.get(key)?.points
    if (points === undefined) return 0
    points.dropWhile((addedAt) => addedAt + this.#ttlMs <= now)
    return points.size
  }

  /** Those that were added at this time or later. */
  countSince(key: string, since: number): number {
    let count = 0
    for (const [, addedAt] of this.#keys.get(key)?.points ?? []) if (addedAt >= since) count += 1
    return count
  }

  /** Milliseconds until the key's next point expires; Infinity if it has none. */
  untilNextExpiry(key: string, now: number): number {
    this.count(key, now)
    const next = this.#keys.get(key)?.points.oldest
    return next === undefined ? Number.POSITIVE_INFINITY : next.value + this.#ttlMs - now
  }

  add(key: string, id: string, now: number): void {
    const points = this.#keys.get(key)?.points ?? new LinkedMap<number>()
    this.count(key, now)
    points.set(id, now)
    this.#keys.delete(key)
    this.#makeRoom(now)
    this.#keys.set(key, { points, lastAdded: now })
  }

  remove(key: string, id: string): void {
    const points = this.#keys.get(key)?.points
    if (points?.delete(id) === true && points.size === 0) this.#keys.delete(key)
  }

  /** Removes the points of a key whose identifiers fit. */
  removeWhere(key: string, fits: (id: string) => boolean): void {
    for (const [id] of this.#keys.get(key)?.points ?? []) if (fits(id)) this.remove(key, id)
  }

  clear(key: string): void {
    this.#keys.delete(key)
  }

  /** Drops up to two expired keys for each one added, so that no call takes long. */
  #makeRoom(now: number): void {
    for (let dropped = 0; dropped < 2; dropped++) {
      const { oldest } = this.#keys
      if (oldest === undefined) return
      const hasExpired = oldest.value.lastAdded + this.#ttlMs <= now
      if (!hasExpired && this.#keys.size < this.#capacity) return
      this.#keys.delete(oldest.key)
    }
  }
}
