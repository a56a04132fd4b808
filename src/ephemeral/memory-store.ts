import type { Clock } from '../domain/clock.ts'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { Unavailable } from '../domain/errors.ts'

export interface MemoryStoreOptions {
  /** For error messages: `web sessions`. */
  readonly name: string
  readonly clock: Clock
  /** Values held at once. */
  readonly capacity: number
}

interface Entry<Value> {
  readonly value: Value
  /** Monotonic milliseconds. */
  readonly expiresAt: number
}

/** Milliseconds between two searches for expired entries, at least. */
const SWEEP_EVERY_MS = 10_000

/** Values in the memory of one broker; a restart loses them. */
export function memoryStore<Value>({ name, clock, capacity }: MemoryStoreOptions): EphemeralStore<Value> {
  const entries = new Map<string, Entry<Value>>()
  let sweptAt = clock.monotonic()

  function unexpired(key: string): Entry<Value> | undefined {
    const entry = entries.get(key)
    if (entry === undefined || entry.expiresAt > clock.monotonic()) return entry
    entries.delete(key)
    return undefined
  }

  function sweep(now: number): void {
    if (now - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now
    for (const [key, { expiresAt }] of entries) if (expiresAt <= now) entries.delete(key)
  }

  function put(key: string, value: Value, ttlMs: number): void {
    const now = clock.monotonic()
    sweep(now)
    if (entries.size >= capacity && !entries.has(key))
      throw new Unavailable(name, `full: ${capacity} are held already`)
    entries.set(key, { value, expiresAt: now + ttlMs })
  }

  return {
    async put(key, value, ttlMs) {
      put(key, value, ttlMs)
    },
    async putIfAbsent(key, value, ttlMs) {
      if (unexpired(key) !== undefined) return false
      put(key, value, ttlMs)
      return true
    },
    async putIfPresent(key, value, ttlMs) {
      if (unexpired(key) === undefined) return false
      put(key, value, ttlMs)
      return true
    },
    async get(key) {
      return unexpired(key)?.value
    },
    async take(key) {
      const entry = unexpired(key)
      entries.delete(key)
      return entry?.value
    },
    async delete(key) {
      entries.delete(key)
    },
  }
}
