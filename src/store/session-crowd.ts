import { type Kysely, sql } from 'kysely'
import { earliestId } from '../domain/record-id.ts'
import type { SessionCrowd } from '../domain/session.ts'
import type { Tables } from './schema.ts'
import { isIn } from './session-standing.ts'

/** A session that began earlier and has ended is not counted: hardly any lasts this long. */
const LONGEST_MS = 7 * 24 * 3_600_000

/** @param since wall milliseconds, as `now`. */
export async function crowdOf(db: Kysely<Tables>, since: number, now: number): Promise<SessionCrowd> {
  const count = async (state: 'open' | 'silent') => {
    const { sessions } = await db
      .selectFrom('sessions')
      .select((select) => select.fn.countAll<number | string>().as('sessions'))
      .where('stopped_at', 'is', null)
      .where((row) => isIn(state, now, row))
      .executeTakeFirstOrThrow()
    return Number(sessions)
  }
  const [open, silent, peak] = await Promise.all([count('open'), count('silent'), peakOf(db, since, now)])
  return { open, silent, peak: Math.max(open, peak) }
}

/** Begins and ends one after the other, and the largest sum on the way. */
async function peakOf(db: Kysely<Tables>, since: number, now: number): Promise<number> {
  const began = (end: 'is' | 'is not') =>
    db.selectFrom('sessions').where('started_at', 'is not', null).where('stopped_at', end, null)
  const open = began('is').where((row) => isIn('open', now, row))
  const ended = began('is not')
    .where('id', '>=', earliestId(since - LONGEST_MS))
    .where('stopped_at', '>', since)
  const steps = open
    .select(['started_at as at', sql<number>`1`.as('step')])
    .unionAll(ended.select(['started_at as at', sql<number>`1`.as('step')]))
    .unionAll(ended.select(['stopped_at as at', sql<number>`-1`.as('step')]))
  const sums = db
    .selectFrom(steps.as('steps'))
    .select(sql<number>`sum(step) over (order by at, step)`.as('sum'))
  const most = await db
    .selectFrom(sums.as('sums'))
    .select((select) => select.fn.max<number | string | null>('sum').as('peak'))
    .executeTakeFirst()
  return Number(most?.peak ?? 0)
}
