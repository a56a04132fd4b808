import { type Expression, type SqlBool, sql } from 'kysely'
import type { Tables } from './schema.ts'

/** Whether a record follows the one with this identifier, where they are sorted by their end, the last first. */
export function endedBefore<Table extends 'sessions' | 'lockouts'>(
  table: Table,
  end: keyof Tables[Table] & string,
  after: string,
): Expression<SqlBool> {
  const [ref, last] = [sql.ref(end), sql.table(table)]
  return sql<SqlBool>`(${ref}, id) < (select ${ref}, id from ${last} where id = ${after})`
}
