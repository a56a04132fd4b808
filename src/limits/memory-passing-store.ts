import type { Clock } from '../domain/clock.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import { Unavailable } from '../domain/person.ts'

export interface MemoryPassingOptions {
  /** For the words of an outage: `web sessions`. */
  readonly name: string
  readonly clock: Clock
  /** Values kept at once. */
  readonly capacity: number
}

interface Entry<Value> {
  readonly value: Value
  /** Monotonic milliseconds. */
  readonly until: number
}

/** The least time between two searches through everything for what has ended, in milliseconds. */
const SWEEP_EVERY_MS = 10_000

/** Passing state of one broker, in memory: a restart ends it. */
export function memoryPassingStore<Value>(options: MemoryPassingOptions): PassingStore<Value> {
  const { name, clock, capacity } = options
  const entries = new Map<string, Entry<Value>>()
  let sweptAt = clock.monotonic()

  function alive(key: string): Entry<Value> | undefined {
    const entry = entries.get(key)
    if (entry === undefined || entry.until > clock.monotonic()) return entry
    entries.delete(key)
    return undefined
  }

  function sweep(now: number): void {
    if (now - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now
    for (const [key, { until }] of entries) if (until <= now) entries.delete(key)
  }

  function keep(key: string, value: Value, ttlMs: number): void {
    const now = clock.monotonic()
    sweep(now)
    if (entries.size >= capacity && !entries.has(key))
      throw new Unavailable(name, `${capacity} are kept already`)
    entries.set(key, { value, until: now + ttlMs })
  }

  return {
    async put(key, value, ttlMs) {
      keep(key, value, ttlMs)
    },
    async putIfAbsent(key, value, ttlMs) {
      if (alive(key) !== undefined) return false
      keep(key, value, ttlMs)
      return true
    },
    async putIfPresent(key, value, ttlMs) {
      if (alive(key) === undefined) return false
      keep(key, value, ttlMs)
      return true
    },
    async get(key) {
      return alive(key)?.value
    },
    async take(key) {
      const entry = alive(key)
      entries.delete(key)
      return entry?.value
    },
    async delete(key) {
      entries.delete(key)
    },
  }
}
