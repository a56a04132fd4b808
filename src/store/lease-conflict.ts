import { type Kysely, sql } from 'kysely'
import { DEFAULT_HOLD_MS, type Family } from '../domain/address-pool.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { AccountingRecord, Session } from '../domain/session.ts'
import { lockLeasesOf } from './lease-locking.ts'
import { type Param, prepared } from './prepared.ts'
import type { LeaseRow, Tables } from './schema.ts'
import { WriteConflict } from './write-conflict.ts'

/** Address conflict: reported by one session, leased to another. */
export interface SharedAddress {
  readonly address: string
  /** Subject of the other session. */
  readonly other: string
}

/** What a record says of one lease of its session. */
export interface LeaseReport {
  readonly session: string
  /** Of the lease. */
  readonly address: string
  readonly at: number
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

/** An administrator's disconnect leaves ocserv's cookie as it is: the client may come back to its address without a login. */
export function endsLease({
  kind,
  terminateCause,
}: Pick<AccountingRecord, 'kind' | 'terminateCause'>): boolean {
  return kind === 'stop' && terminateCause !== 'Admin-Reset'
}

type LeaseWithHolder = LeaseRow & { /** Stem of the session's user. */ readonly holder: string | null }

/**
 * The session does not hold the address that its gateway names, or not alone.
 * @param address of the lease.
 */
export async function resolveConflict(
  db: Kysely<Tables>,
  before: Session,
  record: AccountingRecord,
  address: string,
  lockedBefore?: readonly string[],
): Promise<SharedAddress | undefined> {
  const family = familyOf(address)
  const locked = lockedBefore ?? (await lockLeasesOf(db, [before.id], [address]))
  const [lease] = (await withHolder(db, { address })).rows
  if (lease === undefined || lease.session === before.id) return undefined
  const isOver =
    endsLease(record) || (before.stoppedAt !== undefined && before.terminateCause !== 'Admin-Reset')
  if (isOver) return undefined
  if (lease.session === null) {
    if (record.at > lease.freed_at && mayTakeBack(before, lease, record))
      await takeBack(db, before, record, address, locked)
    return undefined
  }
  if (record.at <= (lease.taken_at ?? 0)) return undefined
  if (!isSameUser(before, lease)) {
    const isKnown = before[family] === record[family] && before.updatedAt > (lease.taken_at ?? 0)
    return isKnown ? undefined : { address: record[family] ?? address, other: lease.subject ?? '' }
  }
  const isOfGateway = lease.gateway === record.gateway
  const rows = isOfGateway ? (await ofSession(db, { session: before.id })).rows : []
  const own = rows.find((row) => familyOf(row.address) === family)
  if (own !== undefined) {
    // The session got another address meanwhile, whose row is not locked.
    if (!locked.includes(own.address)) throw new WriteConflict()
    await exchange(db, own, lease)
    await prolong(db, { session: before.id, at: record.at, address })
  } else {
    const isFree = isOfGateway && (lease.heard_at === null || lease.holder === null)
    await adopt(db, before.id, lease, { at: record.at, isFree })
  }
  return undefined
}

function isSameUser({ user, subject }: Session, lease: LeaseWithHolder): boolean {
  return lease.holder === null ? lease.subject === (subject ?? null) : lease.holder === usernameOf(user)
}

/** Only a session that was given the address by a login, or whose user had it last: others could claim any address. */
function mayTakeBack(
  { user, grantedAt, ...before }: Session,
  lease: LeaseRow,
  record: AccountingRecord,
): boolean {
  const family = familyOf(lease.address)
  if (grantedAt !== undefined && before[family] === record[family]) return true
  if (lease.gateway !== null && lease.gateway !== record.gateway) return false
  return grantedAt !== undefined || (lease.subject !== null && usernameOf(lease.subject) === usernameOf(user))
}

/** The session was taken for dead but lives, or has had its address since a time before the pool. */
async function takeBack(
  db: Kysely<Tables>,
  before: Session,
  { gateway, at }: AccountingRecord,
  address: string,
  locked: readonly string[],
): Promise<void> {
  // One address of each family: a session that reports another one releases the first.
  for (const other of locked.filter((each) => familyOf(each) === familyOf(address)))
    await db
      .updateTable('leases')
      .set({ session: null, freed_at: at })
      .where('session', '=', before.id)
      .where('address', '=', other)
      .execute()
  await db
    .updateTable('leases')
    .set({
      session: before.id,
      gateway,
      taken_at: at,
      heard_at: at,
      contested: 0,
      subject: before.subject,
      kept_ms: before.staleAfterMs ?? sql`coalesce(kept_ms, ${sql.lit(DEFAULT_HOLD_MS)})`,
    })
    .where('address', '=', address)
    .where('session', 'is', null)
    .execute()
}

/** Swaps the addresses of two sessions of one user. */
async function exchange(db: Kysely<Tables>, own: LeaseRow, other: LeaseRow): Promise<void> {
  const swaps = [
    { from: own, to: other },
    { from: other, to: own },
  ]
  for (const { from, to } of swaps) {
    const { numUpdatedRows } = await db
      .updateTable('leases')
      .set({ session: to.session, contested: 1 })
      .where('address', '=', from.address)
      .where('session', '=', from.session)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) throw new WriteConflict()
  }
}

/**
 * Another session of the user uses the address. If the session of the login was never found, for example because the
 * client connects from another address than it logged in from, this session is taken for it.
 */
async function adopt(
  db: Kysely<Tables>,
  session: string,
  lease: LeaseRow,
  { at, isFree }: { readonly at: number; readonly isFree: boolean },
): Promise<void> {
  await db
    .updateTable('leases')
    .set({ session: isFree ? session : undefined, heard_at: at, contested: 1 })
    .where('address', '=', lease.address)
    .where('session', '=', lease.session)
    .execute()
}

const withHolder = prepared((db, value: Param<{ address: string }>) =>
  db
    .selectFrom('leases')
    .leftJoin('sessions', 'sessions.id', 'leases.session')
    .selectAll('leases')
    .select('sessions.user_stem as holder')
    .where('leases.address', '=', value('address')),
)

const ofSession = prepared((db, value: Param<{ session: string }>) =>
  db.selectFrom('leases').selectAll().where('session', '=', value('session')),
)

export const prolong = prepared((db, value: Param<LeaseReport>) =>
  db
    .updateTable('leases')
    .set({ heard_at: sql`case when heard_at > ${value('at')} then heard_at else ${value('at')} end` })
    .where('session', '=', value('session'))
    .where('address', '=', value('address')),
)
