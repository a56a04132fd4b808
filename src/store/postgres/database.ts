import { Kysely } from 'kysely'
import { messageOf } from '../../domain/errors.ts'
import { bringOrderHome } from '../audit-order.ts'
import { migrate } from '../migrate.ts'
import type { Tables } from '../schema.ts'
import { carelessSettings, checkSchema } from './check-schema.ts'
import { RecordsDialect } from './dialect.ts'
import { ConnectionPool, type PoolOptions, type PostgresServer } from './pool.ts'

/** Milliseconds that a first connection may take: a server that is starting up is no fault to start with. */
export const CONNECT_MS = 5000

/** What a server is called in messages: never with its password. */
export function nameOf({ host, port, database }: PostgresServer): string {
  return `the database ${database} on ${host}:${port}`
}

/** The queries over a pool of connections. Its end ends the pool. */
export function queriesOver(options: PoolOptions): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new RecordsDialect(new ConnectionPool(options)) })
}

/**
 * Examines the database and brings its tables to this version's shape. Of several brokers that start at once one does
 * it while the others wait.
 * @returns settings of the server that let acknowledged writes be lost.
 * @throws Error that names the database and says what to do; one that is refused is left as it is.
 */
export async function prepareDatabase(server: PostgresServer): Promise<readonly string[]> {
  // Its statements may take as long as they need.
  const db = queriesOver({ server, size: 1, connectMs: CONNECT_MS })
  try {
    await checkSchema(nameOf(server), db)
    await migrate(db)
    await bringOrderHome(db)
    return await carelessSettings(db)
  } catch (error) {
    throw toOperatorError(server, error)
  } finally {
    await db.destroy()
  }
}

export function toOperatorError(server: PostgresServer, error: unknown): Error {
  const why = messageOf(error)
  const name = nameOf(server)
  if (why.includes(name)) return new Error(why, { cause: error })
  return new Error(
    `${name} cannot be used (${why.replace(/^storage: /, '')}). See that PostgreSQL runs, and that the user ${server.user} may connect, and make tables there`,
    { cause: error },
  )
}
