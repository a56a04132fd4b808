import { hash } from 'node:crypto'
import { CannotOpen, type KeyRing } from '../domain/key-ring.ts'
import type { Log } from '../domain/log.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import { Secret } from '../domain/secret.ts'
import type { RedisConnection } from './redis-connection.ts'

export interface RedisPassingOptions {
  /** Sets its keys apart from those of other stores: `web sessions`. */
  readonly name: string
  readonly connection: RedisConnection
  /** The same on every broker. */
  readonly keys: KeyRing
  readonly log: Log
}

/**
 * Passing state that all brokers share. A value is sealed by a key of its own place, so whoever can write to Redis can
 * delete it and neither read, change, make nor move one; and keys stand there as digests, so whoever reads them learns
 * no State and no cookie.
 */
export function redisPassingStore<Value>(options: RedisPassingOptions): PassingStore<Value> {
  const { name, connection, keys, log } = options
  const { client, ask } = connection
  const room = name.replaceAll(' ', '-')
  const placeOf = (key: string) => connection.key(room, hash('sha256', key, 'base64url'))

  /** Redis takes whole milliseconds from 1 on; what has ended already ends at once. */
  const expiry = (ttlMs: number) => Math.max(1, Math.ceil(ttlMs))

  function seal(place: string, value: Value): string {
    return keys.derive(place).seal(new Secret(JSON.stringify(value)), place)
  }

  function open(place: string, sealed: string | null): Value | undefined {
    if (sealed === null) return undefined
    try {
      return JSON.parse(keys.derive(place).open(sealed, place).reveal()) as Value
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error
      log.warn('passing_state.unreadable', { store: name, error })
      return undefined
    }
  }

  return {
    async put(key, value, ttlMs) {
      const place = placeOf(key)
      await ask(client.set(place, seal(place, value), 'PX', expiry(ttlMs)))
    },
    async putIfAbsent(key, value, ttlMs) {
      const place = placeOf(key)
      return (await ask(client.set(place, seal(place, value), 'PX', expiry(ttlMs), 'NX'))) !== null
    },
    async putIfPresent(key, value, ttlMs) {
      const place = placeOf(key)
      return (await ask(client.set(place, seal(place, value), 'PX', expiry(ttlMs), 'XX'))) !== null
    },
    async get(key) {
      const place = placeOf(key)
      return open(place, await ask(client.get(place)))
    },
    async take(key) {
      const place = placeOf(key)
      return open(place, await ask(client.getdel(place)))
    },
    async delete(key) {
      await ask(client.del(placeOf(key)))
    },
  }
}
