import { type Kysely, sql } from 'kysely'
import type { AuditEvent, AuditKind } from '../domain/audit.ts'
import type { AuditSearch, AuditTally, AuditTrail } from '../domain/audit-search.ts'
import { customerNetwork } from '../domain/network.ts'
import { eventOf } from './audit.ts'
import { placeColumn } from './places.ts'
import type { Tables } from './schema.ts'

export class SqlAuditTrail implements AuditTrail {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async search(search: AuditSearch): Promise<readonly AuditEvent[]> {
    const { user, address, gateway, actor, kinds, reason, since, before, order, after, limit } = search
    let events = this.#db.selectFrom('audit_events').selectAll()
    if (user !== undefined) events = events.where('user_name', '=', user)
    if (address !== undefined) {
      // Of a lockout of its whole network an address is told, too.
      const places = [...new Set([address, customerNetwork(address)])]
      events = events.where(placeColumn(address), 'in', places)
    }
    if (gateway !== undefined) events = events.where('gateway', '=', gateway)
    if (actor !== undefined) events = events.where('actor', '=', actor)
    if (kinds !== undefined) events = events.where('kind', 'in', kinds)
    if (reason !== undefined) events = events.where('reason', '=', reason)
    if (since !== undefined) events = events.where('at', '>=', since)
    if (before !== undefined) events = events.where('at', '<', before)
    if (after !== undefined) events = events.where('id', order === 'newest' ? '<' : '>', after)
    const sorted = events.orderBy('id', order === 'newest' ? 'desc' : 'asc')
    return (await sorted.limit(limit).execute()).map(eventOf)
  }

  async tally(
    kinds: readonly AuditKind[],
    since: number,
    before: number,
    stretchMs: number,
  ): Promise<readonly AuditTally[]> {
    // Whole numbers on both sides: SQL then leaves out the rest of the division.
    const stretch = sql<number | string>`${sql.ref('at')} / ${sql.lit(Math.trunc(stretchMs))}`
    const rows = await this.#db
      .selectFrom('audit_events')
      .select(['kind', stretch.as('stretch')])
      .select((select) => select.fn.countAll<number | string>().as('count'))
      .where('at', '>=', since)
      .where('at', '<', before)
      .where('kind', 'in', kinds)
      .groupBy(['kind', stretch])
      .orderBy(stretch)
      .execute()
    return rows.map(({ kind, stretch: at, count }) => ({
      at: Number(at) * Math.trunc(stretchMs),
      kind,
      count: Number(count),
    }))
  }
}
