import { type Kysely, sql } from 'kysely'
import {
  EPISODE_MS,
  MOST_TRAFFIC,
  type Traffic,
  type TrafficClass,
  type TrafficStore,
  trafficClassOf,
} from '../domain/traffic.ts'
import type { TrafficRow } from './gateway-schema.ts'
import type { Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

/** Rows in one statement: their values are far fewer than what both databases take. */
const PAGE = 200
const KEY = ['source', 'gateway', 'kind', 'outcome'] as const

export class SqlTraffic extends SqlRepository implements TrafficStore {
  async add(traffic: readonly Traffic[]): Promise<void> {
    // In one order, so that two brokers that add the same cannot wait for each other.
    const rows = traffic.map(toRow).toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
    for (let at = 0; at < rows.length; at += PAGE) await addSome(this.db, rows.slice(at, at + PAGE))
    for (const kind of new Set(rows.map((row) => row.class))) await this.#forgetOld(kind)
  }

  async list(): Promise<readonly Traffic[]> {
    const rows = await this.db.selectFrom('traffic').selectAll().orderBy('last_at', 'desc').execute()
    return rows.map(fromRow)
  }

  async #forgetOld(kind: TrafficClass): Promise<void> {
    const newest = this.db
      .selectFrom('traffic')
      .select('last_at')
      .where('class', '=', kind)
      .orderBy('last_at', 'desc')
    const first = await newest.offset(MOST_TRAFFIC[kind]).limit(1).executeTakeFirst()
    if (first === undefined) return
    await this.db
      .deleteFrom('traffic')
      .where('class', '=', kind)
      .where('last_at', '<=', first.last_at)
      .execute()
  }
}

async function addSome(db: Kysely<Tables>, rows: readonly TrafficRow[]): Promise<void> {
  const isNew = sql<boolean>`excluded.first_at - traffic.last_at > ${sql.lit(EPISODE_MS)}`
  const isLater = sql<boolean>`excluded.last_at >= traffic.last_at`
  await db
    .insertInto('traffic')
    .values([...rows])
    .onConflict((conflict) =>
      conflict.columns([...KEY]).doUpdateSet({
        count: sql`case when ${isNew} then excluded.count else traffic.count + excluded.count end`,
        first_at: sql`case when ${isNew} or excluded.first_at < traffic.first_at then excluded.first_at else traffic.first_at end`,
        last_at: sql`case when ${isLater} then excluded.last_at else traffic.last_at end`,
        detail: sql`case when ${isLater} then excluded.detail else traffic.detail end`,
      }),
    )
    .execute()
}

function keyOf({ source, gateway, kind, outcome }: TrafficRow): string {
  return [source, gateway, kind, outcome].join(' ')
}

function toRow(traffic: Traffic): TrafficRow {
  const { source, gateway = '', kind, outcome, count, firstAt, lastAt, detail = null } = traffic
  return {
    ...{ source, gateway, kind, outcome, count, detail },
    class: trafficClassOf(traffic),
    first_at: firstAt,
    last_at: lastAt,
  }
}

function fromRow({
  class: _,
  gateway,
  detail,
  first_at: firstAt,
  last_at: lastAt,
  ...row
}: TrafficRow): Traffic {
  return {
    ...row,
    ...{ firstAt, lastAt },
    ...(gateway !== '' && { gateway }),
    ...(detail !== null && { detail }),
  }
}
