import { type Kysely, sql } from 'kysely'
import { USUAL_HOLD_MS } from '../domain/address-pool.ts'
import { stemOf } from '../domain/login-name.ts'
import type { AccountingRecord, Session } from '../domain/session.ts'
import { Overtaken } from './overtaken.ts'
import { type Place, prepared } from './prepared.ts'
import type { LeaseRow, Tables } from './schema.ts'

/** An address that a session says it has and that is somebody else's. */
export interface SharedAddress {
  readonly address: string
  /** Subject of the other. */
  readonly other: string
}

/**
 * What accounting tells of a session's address: that it is in use, or free. The address that the gateway names counts,
 * not the one of the login: before ocserv 1.5.1 two logins of one user at the same moment cannot be told apart, and some
 * sessions cannot be tied to their login at all. Records come late, again, and in any order; none may free what a later
 * session has.
 * @param before the session as it was known.
 * @returns an address that two have, the first time that it is seen.
 */
export async function noteNews(
  db: Kysely<Tables>,
  before: Session,
  record: AccountingRecord,
): Promise<SharedAddress | undefined> {
  const { ipv4, at } = record
  const news = { session: before.id, at }
  if (ipv4 === undefined) {
    if (before.pool !== undefined) await (endsLease(record) ? freeOnly(db, news) : prolongOnly(db, news))
    return undefined
  }
  const named = { ...news, address: ipv4 }
  const noted = await (endsLease(record) ? free(db, named) : prolong(db, named))
  return noted.numAffectedRows === 0n ? settle(db, before, { ...record, ipv4 }) : undefined
}

/** A session turns out to be another's: what it has is that one's. */
export async function handOn(db: Kysely<Tables>, from: { id: string }, to: { id: string }): Promise<void> {
  await db.updateTable('leases').set({ session: to.id }).where('session', '=', from.id).execute()
}

/** An administrator's disconnect leaves ocserv's cookie as it is: the client may come back to its address without a login. */
function endsLease({ kind, terminateCause }: Pick<AccountingRecord, 'kind' | 'terminateCause'>): boolean {
  return kind === 'stop' && terminateCause !== 'Admin-Reset'
}

type Naming = AccountingRecord & { readonly ipv4: string }
type LeaseWithHolder = LeaseRow & { /** Stem of the session's user. */ readonly holder: string | null }

/** The session does not hold the address that its gateway names, or not alone. */
async function settle(
  db: Kysely<Tables>,
  before: Session,
  record: Naming,
): Promise<SharedAddress | undefined> {
  const [lease] = (await withHolder(db, { address: record.ipv4 })).rows
  if (lease === undefined || lease.session === before.id) return undefined
  const isOver =
    endsLease(record) || (before.stoppedAt !== undefined && before.terminateCause !== 'Admin-Reset')
  if (isOver) return undefined
  if (lease.session === null) {
    if (record.at > lease.freed_at && mayTakeBack(before, lease, record)) await takeBack(db, before, record)
    return undefined
  }
  if (record.at <= (lease.taken_at ?? 0)) return undefined
  if (!isSameUser(before, lease)) {
    const isKnown = before.ipv4 === record.ipv4 && before.updatedAt > (lease.taken_at ?? 0)
    return isKnown ? undefined : { address: lease.address, other: lease.subject ?? '' }
  }
  const isOfGateway = lease.gateway === record.gateway
  const [own] = isOfGateway ? (await ofSession(db, { session: before.id })).rows : []
  if (own !== undefined) {
    await exchange(db, own, lease)
    await noteNews(db, before, record)
  } else {
    const isFree = isOfGateway && (lease.heard_at === null || lease.holder === null)
    await adopt(db, before.id, lease, { at: record.at, isFree })
  }
  return undefined
}

function isSameUser({ user, subject }: Session, lease: LeaseWithHolder): boolean {
  return lease.holder === null ? lease.subject === (subject ?? null) : lease.holder === stemOf(user)
}

/** Whoever was given the address by a login, or had it last. Nobody else can claim one after another. */
function mayTakeBack({ user, grantedAt, ipv4 }: Session, lease: LeaseRow, record: Naming): boolean {
  if (grantedAt !== undefined && ipv4 === record.ipv4) return true
  if (lease.gateway !== null && lease.gateway !== record.gateway) return false
  return grantedAt !== undefined || (lease.subject !== null && stemOf(lease.subject) === stemOf(user))
}

/** It was taken for dead and lives, or has had its address since before there was a pool. */
async function takeBack(db: Kysely<Tables>, before: Session, { ipv4, gateway, at }: Naming): Promise<void> {
  // One address each: whoever claims another gives up the one before.
  await db
    .updateTable('leases')
    .set({ session: null, freed_at: at })
    .where('session', '=', before.id)
    .execute()
  await db
    .updateTable('leases')
    .set({
      ...{ session: before.id, gateway, taken_at: at, heard_at: at, contested: 0 },
      ...(before.subject !== undefined && { subject: before.subject }),
      kept_ms: before.keptMs ?? sql`coalesce(kept_ms, ${sql.lit(USUAL_HOLD_MS)})`,
    })
    .where('address', '=', ipv4)
    .where('session', 'is', null)
    .execute()
}

/** Two sessions of one user got each other's. Rows are locked in the order of their addresses, whoever comes first. */
async function exchange(db: Kysely<Tables>, own: LeaseRow, other: LeaseRow): Promise<void> {
  for (const address of [own.address, other.address].sort())
    await db.updateTable('leases').set({ contested: 1 }).where('address', '=', address).execute()
  const swaps = [
    { from: own, to: other },
    { from: other, to: own },
  ]
  for (const { from, to } of swaps) {
    const { numUpdatedRows } = await db
      .updateTable('leases')
      .set({ session: to.session })
      .where('address', '=', from.address)
      .where('session', '=', from.session)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) throw new Overtaken()
  }
}

/**
 * Another session of the user is in use with the address. Where that of the login was never found, as where the client
 * connects from elsewhere than it logged in from, this is taken for the one.
 */
async function adopt(
  db: Kysely<Tables>,
  session: string,
  lease: LeaseRow,
  { at, isFree }: { readonly at: number; readonly isFree: boolean },
): Promise<void> {
  await db
    .updateTable('leases')
    .set({ ...(isFree && { session }), heard_at: at, contested: 1 })
    .where('address', '=', lease.address)
    .where('session', '=', lease.session)
    .execute()
}

interface News {
  readonly session: string
  readonly at: number
}

type NamingNews = News & { readonly address: string }

const free = prepared((db, value: Place<NamingNews>) =>
  ending(db, value).where('address', '=', value('address')),
)

/** Which of several sessions of the user has ended cannot be told then. */
const freeOnly = prepared((db, value: Place<News>) =>
  ending(db, value).where(
    sql<boolean>`not exists (
      select 1 from leases as other
      where other.subject = leases.subject and other.session is not null and other.address <> leases.address)`,
  ),
)

/** A Stop of before the lease is another session's; and of an address that several may have silence is the only sign. */
function ending(db: Kysely<Tables>, value: Place<News>) {
  return db
    .updateTable('leases')
    .set({ session: null, freed_at: value('at') })
    .where('session', '=', value('session'))
    .where('taken_at', '<=', value('at'))
    .where('contested', '=', 0)
}

const prolong = prepared((db, value: Place<NamingNews>) =>
  prolonging(db, value).where('address', '=', value('address')),
)

const prolongOnly = prepared((db, value: Place<News>) => prolonging(db, value))

function prolonging(db: Kysely<Tables>, value: Place<News>) {
  return db
    .updateTable('leases')
    .set({ heard_at: sql`case when heard_at > ${value('at')} then heard_at else ${value('at')} end` })
    .where('session', '=', value('session'))
}

const withHolder = prepared((db, value: Place<{ address: string }>) =>
  db
    .selectFrom('leases')
    .leftJoin('sessions', 'sessions.id', 'leases.session')
    .selectAll('leases')
    .select('sessions.user_stem as holder')
    .where('leases.address', '=', value('address')),
)

const ofSession = prepared((db, value: Place<{ session: string }>) =>
  db.selectFrom('leases').selectAll().where('session', '=', value('session')),
)
