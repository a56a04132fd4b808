import { sql } from 'kysely'
import { CannotCopy, type CopyEnd } from '../copying.ts'
import { isMigrated } from '../migrate.ts'
import { TABLES } from '../tables.ts'
import { checkSchema } from './check-schema.ts'
import { CONNECT_MS, nameOf, prepareDatabase, queriesOver, toOperatorError } from './database.ts'
import type { PostgresServer } from './pool.ts'

/** A database to copy from, which is only read. @throws Error that names it and says what to do. */
export async function postgresSource(server: PostgresServer): Promise<CopyEnd> {
  const end = endOf(server)
  try {
    await checkSchema(end.name, end.db)
    if (!(await isMigrated(end.db))) {
      throw new CannotCopy(
        `${end.name} is empty, or of an older version of ocbroker. Nothing was changed: start this version on it once`,
      )
    }
  } catch (error) {
    await end.close()
    throw toOperatorError(server, error)
  }
  return end
}

/** A database to copy into. @throws Error that names it and says what to do. */
export async function postgresTarget(server: PostgresServer): Promise<CopyEnd> {
  await prepareDatabase(server)
  return endOf(server)
}

function endOf(server: PostgresServer): CopyEnd {
  // Statements may take as long as they need.
  const db = queriesOver({ server, size: 1, connectMs: CONNECT_MS })
  const tables = sql.join(Object.keys(TABLES).map((table) => sql.table(table)))
  return {
    name: nameOf(server),
    db,
    keepOthersOut: async (transaction) => {
      await sql`lock table ${tables} in exclusive mode`.execute(transaction)
    },
    settle: async () => {
      await sql`analyze ${tables}`.execute(db)
    },
    close: () => db.destroy(),
  }
}
