import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '../../src/domain/errors.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import type { Log, LogFields } from '../../src/domain/log.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { connectRedis, type RedisConnection, type RedisOptions } from '../../src/redis/connection.ts'

/** The key ring that all brokers of a test share. */
export const testKeys = new KeyRing([{ id: 'test', key: new Secret(systemRandom.bytes(32)) }], systemRandom)

/** The line of redis.conf that the documentation tells to write: a user with the rights that brokers need. */
export function userOfFewRights(password: string): string {
  const documentation = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8')
  const [line] = /^user ocbroker on >PASSWORD .*$/m.exec(documentation) ?? []
  if (line === undefined) throw new Error('docs/redis.md names no user')
  return line.replace('PASSWORD', password)
}

export interface RecordedLog extends Log {
  /** Names of the events so far. */
  readonly events: readonly string[]
}

export function recordedLog(): RecordedLog {
  const events: string[] = []
  const record = (event: string, _fields?: LogFields) => {
    events.push(event)
  }
  return { events, debug: record, info: record, warn: record, error: record }
}

/** A connection of a broker of its own, once it is there. */
export async function connected(
  options: Omit<RedisOptions, 'prefix'>,
  log: Log = recordedLog(),
): Promise<RedisConnection> {
  const connection = connectRedis({ prefix: 'ocbroker', ...options }, log)
  try {
    await isReadyWithin(connection, 10_000)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/** @returns milliseconds until Redis could be written. */
export async function isReadyWithin({ checkReady }: RedisConnection, within: number): Promise<number> {
  const started = performance.now()
  for (;;) {
    try {
      await checkReady()
      return performance.now() - started
    } catch (error) {
      if (!(error instanceof Unavailable) || performance.now() - started > within) throw error
      await sleep(5)
    }
  }
}
