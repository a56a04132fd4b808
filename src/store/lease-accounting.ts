import { type Kysely, sql } from 'kysely'
import { digitsOf } from '../domain/prefix-pool.ts'
import type { AccountingRecord, Session } from '../domain/session.ts'
import {
  endsLease,
  familyOf,
  type LeaseReport,
  prolong,
  resolveConflict,
  type SharedAddress,
} from './lease-conflict.ts'
import { addressOfPrefix, lockLeasesOf } from './lease-locking.ts'
import { locksRows, type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

/**
 * Applies an accounting record to the leases of its session: they are in use, or free. The address that the gateway
 * names counts, not the one of the login: before ocserv 1.5.1 two logins of one user at the same moment cannot be told
 * apart, and some sessions cannot be matched with their login. Records come late, twice and in any order; none may free
 * the address of a later session.
 * @param before the session as it was known.
 * @param locked the addresses whose rows are locked already, if any are.
 * @returns addresses that two sessions have, when that is first seen.
 */
export async function applyToLeases(
  db: Kysely<Tables>,
  before: Session,
  record: AccountingRecord,
  locked?: readonly string[],
): Promise<readonly SharedAddress[]> {
  const { ipv4, ipv6, at } = record
  const news = { session: before.id, at }
  const prefix = ipv6 === undefined ? undefined : await leaseAround(db, ipv6)
  const leavesOneOut =
    (ipv4 === undefined && before.ipv4 !== undefined) || (ipv6 === undefined && before.ipv6 !== undefined)
  const named = [ipv4, prefix].filter((address) => address !== undefined)
  // One row alone is locked by its change.
  const rows =
    (named.length > 1 && locksRows(db)) || (leavesOneOut && before.pool !== undefined)
      ? (locked ?? (await lockLeasesOf(db, [before.id], named)))
      : locked
  const shared: SharedAddress[] = []
  for (const address of named) {
    const noted = await (endsLease(record) ? free : prolong)(db, { ...news, address })
    if (noted.numAffectedRows !== 0n) continue
    const conflict = await resolveConflict(db, before, record, address, rows)
    if (conflict !== undefined) shared.push(conflict)
  }
  // What the record does not name of the session's addresses is in use, or free, with it.
  for (const address of rows ?? [])
    if (record[familyOf(address)] === undefined)
      await (endsLease(record) ? freeOnly : prolong)(db, { ...news, address })
  return shared
}

/** The address of the lease whose prefix has this address. */
async function leaseAround(db: Kysely<Tables>, ipv6: string): Promise<string | undefined> {
  const digits = digitsOf(ipv6)
  if (digits === undefined) return undefined
  return (await around(db, { digits })).rows[0]?.address ?? undefined
}

/**
 * Gives the leases of a session to another that turns out to be the same one.
 * @param named the addresses that a record names. @returns the addresses whose rows are locked.
 */
export async function moveLeases(
  db: Kysely<Tables>,
  from: { id: string },
  to: { id: string },
  { ipv4, ipv6 }: Pick<AccountingRecord, 'ipv4' | 'ipv6'>,
): Promise<readonly string[]> {
  const prefix = ipv6 === undefined ? undefined : await leaseAround(db, ipv6)
  const named = [ipv4, prefix].filter((address) => address !== undefined)
  const locked = await lockLeasesOf(db, [from.id, to.id], named)
  for (const address of locked)
    await db
      .updateTable('leases')
      .set({ session: to.id })
      .where('session', '=', from.id)
      .where('address', '=', address)
      .execute()
  return locked
}

const around = prepared((db, value: Param<{ digits: string }>) =>
  db.selectNoFrom(addressOfPrefix(sql`cast(${value('digits')} as text)`).as('address')),
)

const free = prepared((db, value: Param<LeaseReport>) =>
  ending(db, value).where('address', '=', value('address')),
)

/** Without an address the record does not say which of the user's sessions has ended. */
const freeOnly = prepared((db, value: Param<LeaseReport>) =>
  ending(db, value)
    .where('address', '=', value('address'))
    .where(sql<boolean>`not exists (
      select 1 from leases as other
      where other.subject = leases.subject and other.session is not null and other.address <> leases.address
        and (other.first_digits is null) = (leases.first_digits is null))`),
)

/** A Stop from before the lease is another session's. An address that several sessions may have is freed only by silence. */
function ending(db: Kysely<Tables>, value: Param<LeaseReport>) {
  return db
    .updateTable('leases')
    .set({ session: null, freed_at: value('at') })
    .where('session', '=', value('session'))
    .where('taken_at', '<=', value('at'))
    .where('contested', '=', 0)
}
