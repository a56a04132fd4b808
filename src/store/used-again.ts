import { type Kysely, type QueryCreator, sql } from 'kysely'
import type { AccountingRecord, ServerRestart } from '../domain/session.ts'
import { type Param, prepared } from './prepared.ts'
import type { SessionRow, Tables } from './schema.ts'
import { USED_AGAIN } from './session-rows.ts'

/** A Start may seem to come before its login: Acct-Delay-Time counts whole seconds, and brokers' clocks differ. */
export const CLOCK_SLACK_MS = 10_000

/** Whether a Start is that of another session under the name of one that has ended. */
export function startsAnew({ stopped_at }: SessionRow, { kind, at }: AccountingRecord): boolean {
  return kind === 'start' && stopped_at !== null && at > stopped_at
}

/** Gives the name of an ended session free. @returns false where another record came between. */
export async function giveNameFree(
  db: Kysely<Tables>,
  { id, acct_session, revision }: SessionRow,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('sessions')
    .set({ acct_session: `${acct_session}${USED_AGAIN}${id}`, revision: revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** A name within a gateway. */
export interface SessionName {
  readonly gateway: string
  readonly acctSession: string
}

/** Gives the name of an ended session free for a login that the gateway gives the same name. */
export function endedNameFreed(db: QueryCreator<Tables>, value: Param<SessionName>) {
  return db
    .updateTable('sessions')
    .set((row) => ({
      acct_session: sql<string>`acct_session || ${sql.lit(USED_AGAIN)} || id`,
      revision: row('revision', '+', 1),
    }))
    .where('gateway', '=', value('gateway'))
    .where('acct_session', '=', value('acctSession'))
    .where('stopped_at', 'is not', null)
}

export const freeEndedName = prepared(endedNameFreed)

/** The session that had the name at the time of a record from before the present one began. */
export async function earlierUse(
  db: Kysely<Tables>,
  present: SessionRow,
  record: AccountingRecord,
): Promise<SessionRow | undefined> {
  if (!isFromBefore(present, record)) return undefined
  const { gateway, acctSession, at } = record
  const name = `${acctSession}${USED_AGAIN}`
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('gateway', '=', gateway)
    .where((row) => row(sql<string>`substr(${row.ref('acct_session')}, 1, ${[...name].length})`, '=', name))
    .where((row) => row(row.fn.coalesce('started_at', 'granted_at'), '<=', at))
    .orderBy((row) => row.fn.coalesce('started_at', 'granted_at'), 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Until its Start, a session begins with the login that took the name: what is of a session that began before is not its. */
function isFromBefore(
  { started_at, granted_at }: SessionRow,
  { at, seconds }: Pick<AccountingRecord, 'at' | 'seconds'>,
): boolean {
  if (started_at !== null) return at < started_at
  return granted_at !== null && at - seconds * 1000 < granted_at - CLOCK_SLACK_MS
}

/** Sessions of a server that had begun before it restarted. */
export async function sessionsBefore(
  db: Kysely<Tables>,
  { gateway, nas, at }: ServerRestart,
): Promise<readonly SessionRow[]> {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('gateway', '=', gateway)
    .where('nas', '=', nas)
    .where('stopped_at', 'is', null)
    .where('updated_at', '<=', at)
    .execute()
}
