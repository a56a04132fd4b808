import { type Kysely, sql } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import type { Session, SessionCounters } from '../domain/session.ts'
import type { Day } from '../domain/site-days.ts'
import { type Param, paramsOf, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'
import type { UsageDayRow, UsageTotalRow } from './usage-schema.ts'

/** More than the fastest gateway moves in a day: what a broken or hostile one claims must not pass a column's range. */
const MOST_OF_A_ROW = 2 ** 50
const PARTS = 8

const NOTHING: SessionCounters = { seconds: 0, octetsIn: 0, octetsOut: 0 }

/** What one accounting record has changed. */
export interface Growth {
  /** Absent: nothing was known of it. */
  readonly before?: Session
  readonly after: Session
  /** The session that turned out to be the same one: what it has counted moves with it. */
  readonly joined?: Session
  readonly day: Day
}

/**
 * Adds to the usage of a day what a record adds to the greatest counters of its session. However often and in whatever
 * order records come, the sum is that of the sessions. @returns whether there was anything to add.
 */
export async function growUsage(
  db: Kysely<Tables>,
  { before, after, joined, day }: Growth,
): Promise<boolean> {
  const grown = difference(after, before ?? NOTHING)
  const isMoved = joined !== undefined && !isEmpty(joined) && !isOfSame(joined, after)
  if (isEmpty(grown) && !isMoved) return false
  if (!isMoved) {
    await add(db, after, day, grown)
    return true
  }
  await add(db, after, day, difference(after, NOTHING))
  await add(db, joined, day, difference(NOTHING, joined))
  return true
}

/** Under which a session's usage is kept. */
export function spenderOf({ subject, user, policy = '' }: Session): { subject: string; policy: string } {
  return { subject: subject ?? usernameOf(user), policy }
}

function isOfSame(one: Session, other: Session): boolean {
  const [a, b] = [spenderOf(one), spenderOf(other)]
  return a.subject === b.subject && a.policy === b.policy
}

function difference(after: SessionCounters, before: SessionCounters): SessionCounters {
  return {
    seconds: after.seconds - before.seconds,
    octetsIn: after.octetsIn - before.octetsIn,
    octetsOut: after.octetsOut - before.octetsOut,
  }
}

function isEmpty({ seconds, octetsIn, octetsOut }: SessionCounters): boolean {
  return seconds === 0 && octetsIn === 0 && octetsOut === 0
}

async function add(
  db: Kysely<Tables>,
  session: Session,
  day: Day,
  { seconds, octetsIn, octetsOut }: SessionCounters,
): Promise<void> {
  const { gateway, id } = session
  const { subject, policy } = spenderOf(session)
  const counters = { seconds: bounded(seconds), octets_in: bounded(octetsIn), octets_out: bounded(octetsOut) }
  const row = { day, gateway, policy, ...counters }
  await addToDay(db, { ...row, subject })
  await addToTotal(db, { ...row, part: Number.parseInt(id.slice(-1), 16) % PARTS || 0 })
}

function bounded(count: number): number {
  return Math.max(-MOST_OF_A_ROW, Math.min(count, MOST_OF_A_ROW))
}

const COUNTERS = ['seconds', 'octets_in', 'octets_out'] as const
const DAY_COLUMNS = ['subject', 'day', 'gateway', 'policy', ...COUNTERS] as const
const TOTAL_COLUMNS = ['part', 'day', 'gateway', 'policy', ...COUNTERS] as const

const addToDay = prepared((db, value: Param<UsageDayRow>) =>
  db
    .insertInto('usage_days')
    .values(paramsOf(value, DAY_COLUMNS))
    .onConflict((conflict) =>
      conflict.columns(['subject', 'day', 'gateway', 'policy']).doUpdateSet(sums('usage_days')),
    ),
)

const addToTotal = prepared((db, value: Param<UsageTotalRow>) =>
  db
    .insertInto('usage_totals')
    .values(paramsOf(value, TOTAL_COLUMNS))
    .onConflict((conflict) =>
      conflict.columns(['day', 'policy', 'gateway', 'part']).doUpdateSet(sums('usage_totals')),
    ),
)

function sums(table: 'usage_days' | 'usage_totals') {
  const sum = (column: (typeof COUNTERS)[number]) => {
    const both = sql<number>`${sql.ref(`${table}.${column}`)} + ${sql.ref(`excluded.${column}`)}`
    return sql<number>`case when ${both} > ${sql.lit(MOST_OF_A_ROW)} then ${sql.lit(MOST_OF_A_ROW)} else ${both} end`
  }
  return { seconds: sum('seconds'), octets_in: sum('octets_in'), octets_out: sum('octets_out') }
}
