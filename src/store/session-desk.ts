import type { Kysely } from 'kysely'
import { stemOf } from '../domain/login-name.ts'
import type { Session } from '../domain/session.ts'
import type { SessionDesk, SessionSearch } from '../domain/session-search.ts'
import { placeColumn } from './places.ts'
import type { Tables } from './schema.ts'
import { sessionOf } from './session-rows.ts'

export class SqlSessionDesk implements SessionDesk {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async search(search: SessionSearch): Promise<readonly Session[]> {
    const { user, gateway, address, ip, state, order = 'newest', after, limit } = search
    let sessions = this.#db.selectFrom('sessions').selectAll()
    if (user !== undefined) sessions = sessions.where('user_stem', '=', stemOf(user))
    if (gateway !== undefined) sessions = sessions.where('gateway', '=', gateway)
    if (address !== undefined) sessions = sessions.where(placeColumn(address), '=', address)
    if (ip !== undefined)
      sessions = sessions.where((row) => row.or([row('ipv4', '=', ip), row('ipv6', '=', ip)]))
    if (state !== undefined)
      sessions = sessions.where('stopped_at', state === 'ended' ? 'is not' : 'is', null)
    if (state === 'open') sessions = sessions.where('started_at', 'is not', null)
    if (state === 'granted') sessions = sessions.where('started_at', 'is', null)
    if (after !== undefined) sessions = sessions.where('id', order === 'newest' ? '<' : '>', after)
    const sorted = sessions.orderBy('id', order === 'newest' ? 'desc' : 'asc')
    return (await sorted.limit(limit).execute()).map(sessionOf)
  }

  async find(id: string): Promise<Session | undefined> {
    const row = await this.#db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : sessionOf(row)
  }
}
