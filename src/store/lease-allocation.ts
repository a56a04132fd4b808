import { type Kysely, type QueryCreator, type RawBuilder, sql } from 'kysely'
import { type Family, type LeaseRequest, poolOfKey } from '../domain/address-pool.ts'
import type { Admission } from '../domain/login-records.ts'
import { GRANT_TO_START_MS, type Session } from '../domain/session.ts'
import { type Param, prepared } from './prepared.ts'
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

/** The new values in the row of an address that is taken. */
export type Taken = Pick<LeaseRow, 'subject' | 'gateway' | 'session' | 'taken_at' | 'kept_ms'>

export function wantedBy(session: Session, { pool, address }: LeaseRequest): Wanted {
  const { subject, gateway, acctSession } = session
  return {
    pool,
    gateway,
    now: session.updatedAt,
    address: address ?? null,
    subject: subject ?? null,
    acctSession: acctSession ?? null,
  }
}

export function takenBy(session: Session, { staleAfterMs }: LeaseRequest): Taken {
  return {
    subject: session.subject ?? null,
    gateway: session.gateway,
    session: session.id,
    taken_at: session.updatedAt,
    kept_ms: staleAfterMs,
  }
}

/** The name of the pool that gives a session's addresses; undefined without one. */
export function poolOfLeases({ lease, lease6 }: Pick<Admission, 'lease' | 'lease6'>): string | undefined {
  const wish = lease ?? lease6
  return wish && poolOfKey(wish.pool).pool
}

/** The leases for a session, of each family that was asked for. */
export interface Found {
  readonly ipv4?: string
  readonly ipv6?: string
}

/** Finds the addresses for the session and takes nothing yet. @returns none if one that is asked for is not free. */
export async function addressesFor(
  db: Kysely<Tables>,
  { session, lease, lease6 }: Admission,
): Promise<Found | 'none'> {
  if (session === undefined) return {}
  const ipv4 = await addressFor(db, session, lease)
  const ipv6 = await addressFor(db, session, lease6)
  return ipv4 === 'none' || ipv6 === 'none' ? 'none' : { ipv4, ipv6 }
}

/** Finds the address of one family. */
export async function addressFor(
  db: Kysely<Tables>,
  session: Session,
  wish: LeaseRequest | undefined,
): Promise<string | 'none' | undefined> {
  if (wish === undefined) return undefined
  const wanted = wantedBy(session, wish)
  const queries = wish.address === undefined ? FOR_ANY[poolOfKey(wish.pool).family] : [namedPrepared]
  for (const query of queries) {
    const [row] = (await query(db, wanted)).rows
    if (row !== undefined) return row.address
  }
  return 'none'
}

export async function hasAddresses(db: Kysely<Tables>, pool: string): Promise<boolean> {
  const one = db.selectFrom('leases').select('address').where('pool', '=', pool).limit(1)
  return (await one.execute()).length > 0
}

export async function lease(
  db: Kysely<Tables>,
  session: Session,
  wish: LeaseRequest | undefined,
  address: string | undefined,
): Promise<void> {
  if (wish !== undefined && address !== undefined)
    await takePrepared(db, { ...takenBy(session, wish), address })
}

/** Addresses of a pool that one user may have through one gateway in logins that accounting has not named yet. */
const MAX_UNCONFIRMED = 3
/** Leases of one user that a login looks at, whatever their number: of a hundred sessions with one of each family. */
const MAX_SEEN = 200

/** The address of the login before, where the gateway named the session to come and logs it in again. */
export function sameAddress(db: QueryCreator<Tables>, value: Param<Wanted>, family: Family) {
  return ofPool(db, value)
    .where('subject', '=', value('subject'))
    .where(sql<boolean>`session = (
      select id from sessions where sessions.gateway = ${value('gateway')} and acct_session = ${value('acctSession')})`)
    .where(isNobodysOwn[family])
    .limit(1)
}

/** The address that the user had last, if it is free. */
export function usualAddress(db: QueryCreator<Tables>, value: Param<Wanted>, family: Family) {
  return ofPool(db, value)
    .where('subject', '=', value('subject'))
    .where('session', 'is', null)
    .where(isNobodysOwn[family])
    .orderBy('freed_at', 'desc')
    .limit(1)
}

/**
 * If too many logins of the user became no session, the address of the oldest of them: nobody can empty a pool by
 * logging in again and again. A login of this very moment is none of them: none of two at once is the older.
 */
export function unconfirmedAddress(db: QueryCreator<Tables>, value: Param<Wanted>, family: Family) {
  const newest = sql`(
    select address from leases as mine
    where mine.subject = ${value('subject')} and mine.gateway = ${value('gateway')} and mine.session is not null
    order by mine.taken_at desc limit ${sql.lit(MAX_SEEN)})`
  const unconfirmed = sql`
    select address from leases where pool = ${value('pool')} and heard_at is null and address in ${newest}`
  return ofPool(db, value)
    .where(sql<boolean>`address in (${unconfirmed})`)
    .where(sql<boolean>`(select count(*) from (${unconfirmed}) as counted) >= ${sql.lit(MAX_UNCONFIRMED)}`)
    .where('taken_at', '<', value('now'))
    .where(isNobodysOwn[family])
    .orderBy('taken_at')
    .limit(1)
}

/**
 * The address of an earlier session of the user through the same gateway that seems dead. It is used only if no other
 * address is free, so that users can log in again after their gateway crashed. At worst two sessions of one user share
 * it, and then no Stop of either frees it.
 */
export function abandonedAddress(db: QueryCreator<Tables>, value: Param<Wanted>) {
  const now = sql<number>`cast(${value('now')} as bigint)`
  return ofPool(db, value)
    .where(sql<boolean>`address in (
      select address from leases as mine
      where mine.subject = ${value('subject')} and mine.gateway = ${value('gateway')} and mine.session is not null
      order by mine.taken_at limit ${sql.lit(MAX_SEEN)})`)
    .where(sql<boolean>`case
      when heard_at is null then taken_at < ${now} - ${sql.lit(GRANT_TO_START_MS)}
      else heard_at < ${now} - kept_ms end`)
    .orderBy(sql`coalesce(heard_at, taken_at)`)
    .limit(1)
}

function ofPool(db: QueryCreator<Tables>, value: Param<Wanted>) {
  return db.selectFrom('leases').select('address').where('pool', '=', value('pool'))
}

/** The address that has been free for longest. */
export function freeAddress(db: QueryCreator<Tables>, value: Param<Wanted>, family: Family) {
  return ofPool(db, value)
    .where('session', 'is', null)
    .where(isNobodysOwn[family])
    .orderBy('freed_at')
    .limit(1)
}

/**
 * The user's own address, which lies in a pool. The user may have several sessions with it.
 * @param other the user's own one of the other family.
 */
export function namedAddress(db: QueryCreator<Tables>, value: Param<Wanted>, other?: string | null) {
  return db
    .selectFrom('leases')
    .select('address')
    .where('address', 'in', other === undefined ? [value('address')] : [value('address'), other])
    .where((row) =>
      row.or([row('session', 'is', null), row('subject', 'is', null), row('subject', '=', value('subject'))]),
    )
}

/** Of an address that is taken. */
export const contested = sql<number>`case when session is null then 0 else 1 end`

/**
 * A local user's static address is never given to another, whether its pool excludes it or not; nor is an IPv6 prefix
 * around one.
 */
export const isNobodysOwn: Readonly<Record<Family, RawBuilder<boolean>>> = {
  ipv4: sql<boolean>`not exists (select 1 from users where users.ipv4 = leases.address)`,
  ipv6: sql<boolean>`not exists (
    select 1 from users where users.ipv6_digits >= leases.first_digits and users.ipv6_digits <= leases.last_digits)`,
}

const namedPrepared = prepared((db, value: Param<Wanted>) => namedAddress(db, value))
const FOR_ANY = { ipv4: queriesFor('ipv4'), ipv6: queriesFor('ipv6') }

function queriesFor(family: Family) {
  return [sameAddress, usualAddress, unconfirmedAddress, freeAddress, abandonedAddress].map((query) =>
    prepared((db, value: Param<Wanted>) => query(db, value, family)),
  )
}

const takePrepared = prepared((db, value: Param<Taken & { readonly address: string }>) =>
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
