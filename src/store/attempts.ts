import { sql } from 'kysely'
import type {
  AttemptStore,
  AttemptTally,
  NetworkHour,
  TallyKey,
  TallySearch,
} from '../domain/attempt-tally.ts'
import { earliestId } from '../domain/record-id.ts'
import { isOver } from './is-over.ts'
import { SqlRepository } from './sql-repository.ts'
import { searchColumn } from './subnet-columns.ts'
import { isWithin } from './within-network.ts'

const HOUR_MS = 3_600_000
/** An identifier may be made this long before the time of its event. */
const SLACK_MS = 60_000
const KINDS = ['login.accepted', 'login.refused'] as const

const hour = sql<number | string>`${sql.ref('at')} / ${sql.lit(HOUR_MS)}`
const TIMES = sql`coalesce(${sql.ref('times')}, 1)`
const isAccepted = sql`${sql.ref('kind')} = ${sql.lit('login.accepted')}`
const isLocked = sql`coalesce(${sql.ref('reason')}, ${sql.lit('')}) = ${sql.lit('locked')}`
const accepted = sql<number | string>`sum(case when ${isAccepted} then ${TIMES} else 0 end)`
const failed = sql<number | string>`sum(case when ${isAccepted} then 0 else ${TIMES} end)`
const locked = sql<
  number | string
>`sum(case when ${isAccepted} then 0 when ${isLocked} then ${TIMES} else 0 end)`
const first = sql<number | string>`min(${sql.ref('at')})`
const last = sql<number | string>`max(${sql.ref('at')})`

const COLUMNS: Readonly<Record<TallyKey, ReturnType<typeof sql<string | number | null>>>> = {
  network: sql`${sql.ref('network')}`,
  address: sql`${sql.ref('address')}`,
  user: sql`${sql.ref('user_name')}`,
  gateway: sql`${sql.ref('gateway')}`,
  hour,
}

/** Counts attempts from the audit trail. */
export class SqlAttempts extends SqlRepository implements AttemptStore {
  async tally({
    over,
    by,
    user,
    address,
    gateway,
    since,
    before,
    limit,
  }: TallySearch): Promise<readonly AttemptTally[]> {
    const key = COLUMNS[by]
    let events = this.#attempts(since, before, user !== undefined || address !== undefined)
    if (over !== undefined) events = events.where(isOver(over, sql.ref('audit_events.user_name')))
    if (user !== undefined) events = events.where('user_name', '=', user)
    if (address !== undefined)
      events = events.where((row) =>
        searchColumn(address) === 'address' ? row('address', '=', address) : isWithin(address, row),
      )
    if (gateway !== undefined) events = events.where('gateway', '=', gateway)
    const rows = await events
      .select([
        key.as('key'),
        accepted.as('accepted'),
        failed.as('failed'),
        locked.as('locked'),
        first.as('first'),
        last.as('last'),
        sql<number | string>`count(distinct ${sql.ref('address')})`.as('addresses'),
        sql<number | string>`count(distinct ${sql.ref('user_name')})`.as('users'),
      ])
      .where(key, 'is not', null)
      .groupBy(key)
      .orderBy(by === 'hour' ? key : sql`sum(${TIMES})`, 'desc')
      .orderBy(key)
      .limit(limit)
      .execute()
    return rows.map((row) => ({
      key: by === 'hour' ? String(Number(row.key) * HOUR_MS) : String(row.key),
      accepted: Number(row.accepted),
      refused: Number(row.failed) - Number(row.locked),
      locked: Number(row.locked),
      addresses: Number(row.addresses),
      users: Number(row.users),
      first: Number(row.first),
      last: Number(row.last),
    }))
  }

  async failingNetworks(since: number, before: number, least: number): Promise<readonly NetworkHour[]> {
    const rows = await this.#attempts(since, before, false)
      .select(['network', hour.as('hour'), accepted.as('accepted'), failed.as('failed')])
      .select([first.as('first'), last.as('last')])
      .where('network', 'is not', null)
      .groupBy(['network', hour])
      .having(failed, '>=', least)
      .orderBy('network')
      .orderBy(hour)
      .execute()
    return rows.map((row) => ({
      network: row.network ?? '',
      hour: Number(row.hour) * HOUR_MS,
      accepted: Number(row.accepted),
      failed: Number(row.failed),
      first: Number(row.first),
      last: Number(row.last),
    }))
  }

  async letInFrom(network: string, since: number, before: number, limit: number): Promise<readonly string[]> {
    const rows = await this.#attempts(since, before, true)
      .select(['user_name', first.as('first')])
      .where('kind', '=', 'login.accepted')
      .where('network', '=', network)
      .where('user_name', 'is not', null)
      .groupBy('user_name')
      .orderBy(first)
      .limit(limit)
      .execute()
    return rows.flatMap((row) => row.user_name ?? [])
  }

  /**
   * By the index of times; or by that of something else, which leads on by identifiers: they follow the time. The kind is
   * an expression, as its own index would lead to all attempts that there are.
   */
  #attempts(since: number, before: number, byId: boolean) {
    const events = this.db
      .selectFrom('audit_events')
      .where('at', '>=', since)
      .where('at', '<', before)
      .where(sql<string>`${sql.ref('kind')} || ''`, 'in', KINDS)
    return byId ? events.where('id', '>=', earliestId(since - SLACK_MS)) : events
  }
}
