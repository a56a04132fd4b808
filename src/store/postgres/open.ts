import { sql } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/log.ts'
import type { Randomness } from '../../domain/random.ts'
import { type OpenStore, type Repositories, sqlRepositories } from '../repositories.ts'
import { Availability } from './availability.ts'
import { nameOf, prepareDatabase, queriesOver } from './database.ts'
import { PostgresLogin } from './login.ts'
import type { PostgresServer } from './pool.ts'
import { PostgresRetention } from './retention.ts'
import { PostgresServingBrokers } from './serving-brokers.ts'

export interface PostgresOptions {
  readonly server: PostgresServer
  /** Connections at most. */
  readonly connections: number
  /** Milliseconds that a statement may take. A new connection, or a free one, is waited for half as long. */
  readonly statementMs: number
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
}

/** @throws Error that names the database and says what to do. */
export async function openPostgres(options: PostgresOptions): Promise<OpenStore> {
  const { server, connections, statementMs, clock, random, log } = options
  const careless = await prepareDatabase(server)
  if (careless.length > 0) log.warn('postgres.not_durable', { database: nameOf(server), off: careless })
  const connectMs = Math.ceil(statementMs / 2)
  const db = queriesOver({ server, size: connections, statementMs, connectMs })
  const availability = new Availability({ clock, log })
  const records = {
    ...sqlRepositories(db, { random }),
    login: new PostgresLogin(db, random),
    retention: new PostgresRetention(db),
    brokers: new PostgresServingBrokers(db),
  }
  return {
    records: guarded(records, availability),
    checkReady: () =>
      availability.run(async () => {
        // A server that only reads refuses it, whether it is a replica or was told to, and so does one without the rights.
        await db.deleteFrom('gateway_state').where(sql<boolean>`false`).execute()
      }),
    close: () => db.destroy(),
  }
}

/** Every method of every noun goes by way of the guard. */
function guarded(records: Repositories, availability: Availability): Repositories {
  const nouns = Object.entries(records).map(([name, noun]) => [name, guardedNoun(noun, availability)])
  return Object.fromEntries(nouns)
}

function guardedNoun(noun: object, availability: Availability): object {
  return new Proxy(noun, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: readonly unknown[]) => availability.run(async () => method.apply(target, args))
    },
  })
}
