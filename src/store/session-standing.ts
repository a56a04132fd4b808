import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { STALE_MS } from '../domain/address-pool.ts'
import type { SessionState } from '../domain/session.ts'
import type { Tables } from './schema.ts'

/** `stateOf` of the domain, in SQL. */
export function isIn(
  state: SessionState,
  now: number,
  row: ExpressionBuilder<Tables, 'sessions'>,
): Expression<SqlBool> {
  const isOver = row('stopped_at', 'is not', null)
  const hasBegun = row('started_at', 'is not', null)
  const since = row.fn.coalesce('granted_at', 'updated_at')
  const isUnheard = row(since, '<', now - STALE_MS)
  const isQuiet = sql<boolean>`coalesce(updated_at < ${now} - kept_ms, false)`
  switch (state) {
    case 'ended':
      return isOver
    case 'granted':
      return row.and([row.not(isOver), row.not(hasBegun), row.not(isUnheard)])
    case 'open':
      return row.and([row.not(isOver), hasBegun, row.not(isQuiet)])
    case 'silent':
      return row.and([
        row.not(isOver),
        row.or([row.and([hasBegun, isQuiet]), row.and([row.not(hasBegun), isUnheard])]),
      ])
  }
}
