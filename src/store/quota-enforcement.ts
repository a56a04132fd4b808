import type { Kysely } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import {
  type QuotaInForce,
  type QuotaStanding,
  quotaKey,
  quotaWords,
  standingOf,
  WARNED_SHARE,
} from '../domain/quota.ts'
import type { Randomness } from '../domain/random.ts'
import type { Session } from '../domain/session.ts'
import { writeEvents } from './audit.ts'
import { nullsToUndefined } from './nulls-to-undefined.ts'
import { type Param, paramsOf, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'
import { writeOrder } from './session-orders.ts'
import { spent } from './usage.ts'
import { spenderOf } from './usage-growth.ts'

/** Sessions that are ended at once where a quota of all is spent; the others follow with their own next report. */
const ENDED_AT_ONCE = 500

/**
 * Looks at the quotas of a session whose usage has grown: tells once a period that one is nearly or quite spent, and
 * has the sessions ended that it counts.
 * @param at of the record, in wall milliseconds.
 */
export async function enforceQuotas(
  db: Kysely<Tables>,
  random: Randomness,
  session: Session,
  quotas: readonly QuotaInForce[],
  at: number,
): Promise<void> {
  for (const counted of ['user', 'group'] as const) {
    const some = quotas.filter((quota) => quota.of === counted)
    const [first, ...others] = some.map(({ from }) => from)
    if (first === undefined) continue
    const { subject, policy } = spenderOf(session)
    const whose = counted === 'user' ? { policy, subject } : { policy }
    const days = await spent(
      db,
      whose,
      others.reduce((oldest, from) => (from < oldest ? from : oldest), first),
    )
    for (const quota of some) {
      const standing = standingOf(quota, days)
      if (standing.left === 0) await end(db, random, session, standing, at)
      else if (standing.used >= standing.most * WARNED_SHARE && (await isNews(db, 'warned', session, quota)))
        await tell(db, random, 'quota.warned', session, standing, at)
    }
  }
}

/** Where it is news all sessions are ended that it counts; one that goes on is ended by its next report. */
async function end(
  db: Kysely<Tables>,
  random: Randomness,
  session: Session,
  standing: QuotaStanding,
  at: number,
): Promise<void> {
  const { subject, policy } = spenderOf(session)
  const isFirst = await isNews(db, 'spent', session, standing.quota)
  if (isFirst) await tell(db, random, 'quota.spent', session, standing, at)
  const ofUser = standing.quota.of === 'user' ? subject : undefined
  const others = isFirst ? await running(db, policy, ofUser) : []
  const own = session.stoppedAt === undefined ? [session] : []
  const ended = new Map([...others, ...own].map((each) => [`${each.gateway} ${each.acctSession}`, each]))
  const detail = quotaWords(standing.quota, standing.most)
  for (const { gateway, acctSession, user } of ended.values())
    if (acctSession !== undefined)
      await writeOrder(db, {
        id: random.id(),
        gateway,
        kind: 'end',
        target: { session: acctSession },
        reason: 'quota',
        by: 'quota',
        at,
        user,
        detail,
      })
}

/** Sessions that a policy let in and that have not ended. @param subject absent: of everybody. */
async function running(
  db: Kysely<Tables>,
  policy: string,
  subject: string | undefined,
): Promise<readonly Pick<Session, 'gateway' | 'acctSession' | 'user'>[]> {
  let sessions = db
    .selectFrom('sessions')
    .select(['gateway', 'acct_session as acctSession', 'user_name as user'])
    .where('stopped_at', 'is', null)
    .where('acct_session', 'is not', null)
    .where('policy', '=', policy)
  if (subject !== undefined)
    sessions = sessions.where('user_stem', '=', usernameOf(subject)).where('subject', '=', subject)
  return (await sessions.orderBy('id').limit(ENDED_AT_ONCE).execute()).map(nullsToUndefined)
}

/** @returns whether it was not told in this period, by whichever broker. */
async function isNews(
  db: Kysely<Tables>,
  mark: 'warned' | 'spent',
  session: Session,
  quota: QuotaInForce,
): Promise<boolean> {
  const { subject } = spenderOf(session)
  const { today: day, from } = quota
  const row = { quota: quotaKey(quota), subject: quota.of === 'user' ? subject : '', mark, day, from }
  return (await setMark(db, row)).rows.length === 1
}

interface Mark {
  readonly quota: string
  readonly subject: string
  readonly mark: 'warned' | 'spent'
  readonly day: string
  readonly from: string
}

const setMark = prepared((db, value: Param<Mark>) =>
  db
    .insertInto('quota_marks')
    .values(paramsOf(value, ['quota', 'subject', 'mark', 'day']))
    .onConflict((conflict) =>
      conflict
        .columns(['subject', 'quota', 'mark'])
        .doUpdateSet((row) => ({ day: row.ref('excluded.day') }))
        .where('quota_marks.day', '<', value('from')),
    )
    .returning('quota'),
)

async function tell(
  db: Kysely<Tables>,
  random: Randomness,
  kind: 'quota.warned' | 'quota.spent',
  session: Session,
  { quota, most }: QuotaStanding,
  at: number,
): Promise<void> {
  const { subject, policy } = spenderOf(session)
  const user = quota.of === 'user' ? usernameOf(subject) : undefined
  const detail = `policy ${policy}: ${quotaWords(quota, most)}`
  await writeEvents(db, [{ id: random.id(), at, kind, user, gateway: session.gateway, detail }])
}
