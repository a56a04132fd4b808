import { type Kysely, type QueryCreator, sql } from 'kysely'
import type { LeaseWish } from '../domain/address-pool.ts'
import type { Admission } from '../domain/login-records.ts'
import { GRANT_TO_START_MS, type Session } from '../domain/session.ts'
import { type Place, prepared } from './prepared.ts'
import type { LeaseRow, Tables } from './schema.ts'

/** Who asks for which address. */
export interface Wanted {
  readonly pool: string
  readonly address: string | null
  readonly subject: string | null
  readonly gateway: string
  readonly acctSession: string | null
  /** Wall milliseconds. */
  readonly now: number
}

/** What becomes of the row of an address that is taken. */
export type Taken = Pick<LeaseRow, 'subject' | 'gateway' | 'session' | 'taken_at' | 'kept_ms'>

export function wantedBy(session: Session, { pool, address }: LeaseWish): Wanted {
  const { subject, gateway, acctSession } = session
  return {
    ...{ pool, gateway, now: session.updatedAt },
    address: address ?? null,
    subject: subject ?? null,
    acctSession: acctSession ?? null,
  }
}

export function takenBy(session: Session, { keptMs }: LeaseWish): Taken {
  return {
    subject: session.subject ?? null,
    gateway: session.gateway,
    session: session.id,
    taken_at: session.updatedAt,
    kept_ms: keptMs,
  }
}

/** Finds the address for the session and takes nothing yet. @returns none where there is no free one; undefined where none is asked for. */
export async function addressFor(
  db: Kysely<Tables>,
  { session, lease: wish }: Admission,
): Promise<string | 'none' | undefined> {
  if (session === undefined || wish === undefined) return undefined
  const wanted = wantedBy(session, wish)
  const queries =
    wish.address === undefined ? [usualPrepared, freePrepared, abandonedPrepared] : [namedPrepared]
  for (const query of queries) {
    const [row] = (await query(db, wanted)).rows
    if (row !== undefined) return row.address
  }
  return 'none'
}

export async function lease(
  db: Kysely<Tables>,
  session: Session,
  wish: LeaseWish,
  address: string,
): Promise<void> {
  await takePrepared(db, { ...takenBy(session, wish), address })
}

/** Addresses that one user may have through one gateway in logins of which accounting has told nothing yet. */
const MOST_UNHEARD = 3

/**
 * The address that the user had last, where it is free. Where the gateway named the session to come and logs it in
 * again, the one that it was given the first time. Of too many logins that became no session, that of the oldest: nobody
 * empties a pool by logging in again and again.
 */
export function usualAddress(db: QueryCreator<Tables>, value: Place<Wanted>) {
  const isSame = sql<boolean>`session = (
    select id from sessions where sessions.gateway = ${value('gateway')} and acct_session = ${value('acctSession')})`
  const isTooMany = sql<boolean>`gateway = ${value('gateway')} and heard_at is null and session is not null and (
    select count(*) from leases as mine
    where mine.subject = ${value('subject')} and mine.gateway = ${value('gateway')}
      and mine.session is not null and mine.heard_at is null) >= ${sql.lit(MOST_UNHEARD)}`
  return ownAddress(db, value)
    .where((row) => row.or([row('session', 'is', null), isSame, isTooMany]))
    .where(isNobodysOwn)
    .orderBy(sql`case when ${isSame} then 0 when session is null then 1 else 2 end`)
    .orderBy(sql`case when session is null then -freed_at else taken_at end`)
    .limit(1)
}

/**
 * The address of an earlier session of the user through the same gateway that seems dead: asked where no other is free,
 * so that people come in again after their gateway went without telling. At worst two sessions of one user share it, and
 * then no Stop of either frees it.
 */
export function abandonedAddress(db: QueryCreator<Tables>, value: Place<Wanted>) {
  const now = sql<number>`cast(${value('now')} as bigint)`
  return ownAddress(db, value)
    .where('gateway', '=', value('gateway'))
    .where('session', 'is not', null)
    .where(sql<boolean>`case
      when heard_at is null then taken_at < ${now} - ${sql.lit(GRANT_TO_START_MS)}
      else heard_at < ${now} - kept_ms end`)
    .orderBy(sql`coalesce(heard_at, taken_at)`)
    .limit(1)
}

function ownAddress(db: QueryCreator<Tables>, value: Place<Wanted>) {
  return db
    .selectFrom('leases')
    .select('address')
    .where('subject', '=', value('subject'))
    .where('pool', '=', value('pool'))
}

/** The address that has been free for longest. */
export function freeAddress(db: QueryCreator<Tables>, value: Place<Wanted>) {
  return db
    .selectFrom('leases')
    .select('address')
    .where('pool', '=', value('pool'))
    .where('session', 'is', null)
    .where(isNobodysOwn)
    .orderBy('freed_at')
    .limit(1)
}

/** The user's own address, that happens to be a pool's. The user may have several sessions with it. */
export function namedAddress(db: QueryCreator<Tables>, value: Place<Wanted>) {
  return db
    .selectFrom('leases')
    .select('address')
    .where('address', '=', value('address'))
    .where((row) =>
      row.or([row('session', 'is', null), row('subject', 'is', null), row('subject', '=', value('subject'))]),
    )
}

/** Of an address that is taken. */
export const contested = sql<number>`case when session is null then 0 else 1 end`

/** A local user's static address is never given to another, whether its pool excludes it or not. */
export const isNobodysOwn = sql<boolean>`not exists (select 1 from users where users.ipv4 = leases.address)`

const usualPrepared = prepared(usualAddress)
const freePrepared = prepared(freeAddress)
const abandonedPrepared = prepared(abandonedAddress)
const namedPrepared = prepared(namedAddress)

const takePrepared = prepared((db, value: Place<Taken & { readonly address: string }>) =>
  db
    .updateTable('leases')
    .set({
      subject: value('subject'),
      gateway: value('gateway'),
      session: value('session'),
      taken_at: value('taken_at'),
      heard_at: null,
      kept_ms: value('kept_ms'),
      contested,
    })
    .where('address', '=', value('address')),
)
