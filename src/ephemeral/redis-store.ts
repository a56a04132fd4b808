import { hash } from 'node:crypto'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { CannotOpen, type KeyRing } from '../domain/key-ring.ts'
import type { Log } from '../domain/log.ts'
import { Secret } from '../domain/secret.ts'
import type { RedisConnection } from '../redis/connection.ts'

export interface RedisStoreOptions {
  /** Sets its keys apart from those of other stores: `web sessions`. */
  readonly name: string
  readonly connection: RedisConnection
  /** The same on every broker. */
  readonly keys: KeyRing
  readonly log: Log
}

/**
 * Values that all brokers share. Each is sealed with a key derived from its place, so a writer to Redis can delete
 * values but not read, change, make or move them. Keys are stored as digests, so a reader learns no State and no cookie.
 */
export function redisStore<Value>({ name, connection, keys, log }: RedisStoreOptions): EphemeralStore<Value> {
  const { client, ask } = connection
  const placeOf = (key: string) => connection.key(name.replaceAll(' ', '-'), hash('sha256', key, 'base64url'))

  /** Arguments of SET. Redis takes whole milliseconds from 1 on. */
  function sealed(key: string, value: Value, ttlMs: number) {
    const place = placeOf(key)
    const content = keys.derive(place).seal(new Secret(JSON.stringify(value)), place)
    return [place, content, 'PX', Math.max(1, Math.ceil(ttlMs))] as const
  }

  function open(place: string, content: string | null): Value | undefined {
    if (content === null) return undefined
    try {
      return JSON.parse(keys.derive(place).open(content, place).reveal()) as Value
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error
      log.warn('passing_state.unreadable', { store: name, error })
      return undefined
    }
  }

  return {
    async put(key, value, ttlMs) {
      await ask(client.set(...sealed(key, value, ttlMs)))
    },
    async putIfAbsent(key, value, ttlMs) {
      return (await ask(client.set(...sealed(key, value, ttlMs), 'NX'))) !== null
    },
    async putIfPresent(key, value, ttlMs) {
      return (await ask(client.set(...sealed(key, value, ttlMs), 'XX'))) !== null
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
