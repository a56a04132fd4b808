import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely'
import { UNHEARD_MS } from '../domain/address-pool.ts'
import { stemOf } from '../domain/login-name.ts'
import type { Session } from '../domain/session.ts'
import type { SessionDesk, SessionSearch, SessionState } from '../domain/session-search.ts'
import { placeColumn } from './places.ts'
import type { Tables } from './schema.ts'
import { sessionOf } from './session-rows.ts'

export class SqlSessionDesk implements SessionDesk {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async search(search: SessionSearch): Promise<readonly Session[]> {
    const { user, gateway, address, ip, standing, order = 'newest', after, limit } = search
    let sessions = this.#db.selectFrom('sessions').selectAll()
    if (user !== undefined) sessions = sessions.where('user_stem', '=', stemOf(user))
    if (gateway !== undefined) sessions = sessions.where('gateway', '=', gateway)
    if (address !== undefined) sessions = sessions.where(placeColumn(address), '=', address)
    if (ip !== undefined)
      sessions = sessions.where((row) => row.or([row('ipv4', '=', ip), row('ipv6', '=', ip)]))
    if (standing !== undefined) sessions = sessions.where((row) => isIn(standing.state, standing.at, row))
    if (after !== undefined) sessions = sessions.where('id', order === 'newest' ? '<' : '>', after)
    const sorted = sessions.orderBy('id', order === 'newest' ? 'desc' : 'asc')
    return (await sorted.limit(limit).execute()).map(sessionOf)
  }

  async find(id: string): Promise<Session | undefined> {
    const row = await this.#db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : sessionOf(row)
  }
}

/** `stateOf` of the domain, in SQL. */
function isIn(
  state: SessionState,
  now: number,
  row: ExpressionBuilder<Tables, 'sessions'>,
): Expression<SqlBool> {
  const isOver = row('stopped_at', 'is not', null)
  const hasBegun = row('started_at', 'is not', null)
  const since = row.fn.coalesce('granted_at', 'updated_at')
  const isUnheard = row(since, '<', now - UNHEARD_MS)
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
