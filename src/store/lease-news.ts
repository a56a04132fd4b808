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
  const news = { session: before.id, user: stemOf(before.user), at }
  if (ipv4 === undefined) {
    if (before.pool !== undefined) await (endsLease(record) ? freeOnly(db, news) : prolongOnly(db, news))
    return undefined
  }
  const named = { ...news, address: ipv4 }
  const noted = await (endsLease(record) ? free(db, named) : prolong(db, named))
  return noted.numAffectedRows === 0n ? settle(db, before, { ...record, ipv4 }) : undefined
}

/** An administrator's disconnect leaves ocserv's cookie as it is: the client may come back to its address without a login. */
function endsLease({ kind, terminateCause }: Pick<AccountingRecord, 'kind' | 'terminateCause'>): boolean {
  return kind === 'stop' && terminateCause !== 'Admin-Reset'
}

type Naming = AccountingRecord & { readonly ipv4: string }

/** The session does not hold the address that its gateway names. */
async function settle(
  db: Kysely<Tables>,
  before: Session,
  record: Naming,
): Promise<SharedAddress | undefined> {
  const [lease] = (await withHolder(db, { address: record.ipv4 })).rows
  if (lease === undefined) return undefined
  const isOver =
    endsLease(record) || (before.stoppedAt !== undefined && before.terminateCause !== 'Admin-Reset')
  if (lease.session === null) {
    const isOfGateway = lease.gateway === null || lease.gateway === record.gateway
    if (isOfGateway && !isOver && record.at > lease.freed_at) await takeBack(db, before, record)
    return undefined
  }
  if (record.at <= (lease.taken_at ?? 0)) return undefined
  if (lease.holder !== stemOf(before.user) || lease.gateway !== record.gateway) {
    const isKnown = before.ipv4 === record.ipv4 && before.updatedAt > (lease.taken_at ?? 0)
    return isOver || isKnown ? undefined : { address: lease.address, other: lease.subject ?? '' }
  }
  const [own] = (await ofSession(db, { session: before.id })).rows
  if (own !== undefined) {
    await exchange(db, own, lease)
    await noteNews(db, before, record)
  } else if (!isOver) await adopt(db, before.id, lease, record.at)
  return undefined
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
      ...{ session: before.id, subject: before.subject ?? null, gateway, taken_at: at, heard_at: at },
      kept_ms: before.keptMs ?? sql`coalesce(kept_ms, ${sql.lit(USUAL_HOLD_MS)})`,
    })
    .where('address', '=', ipv4)
    .where('session', 'is', null)
    .execute()
}

/** Two sessions of one user got each other's. Rows are locked in the order of their addresses, whoever comes first. */
async function exchange(db: Kysely<Tables>, own: LeaseRow, other: LeaseRow): Promise<void> {
  for (const address of [own.address, other.address].sort())
    await db.updateTable('leases').set({ address }).where('address', '=', address).execute()
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
 * The login's session was never found, as where the client connects from elsewhere than it logged in from: this is the
 * one. An address that another session of the user is known to have only stays theirs.
 */
async function adopt(db: Kysely<Tables>, session: string, lease: LeaseRow, at: number): Promise<void> {
  await db
    .updateTable('leases')
    .set({ ...(lease.heard_at === null && { session }), heard_at: at })
    .where('address', '=', lease.address)
    .where('session', '=', lease.session)
    .execute()
}

interface News {
  readonly session: string
  /** Stem. */
  readonly user: string
  readonly at: number
}

type NamingNews = News & { readonly address: string }

/** Goes to another open session with the same address, which one user's own may be in several. */
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

/** A Stop of before the lease is another session's. */
function ending(db: Kysely<Tables>, value: Place<News>) {
  return db
    .updateTable('leases')
    .set({
      session: sql`(
        select max(id) from sessions
        where user_stem = ${value('user')} and started_at is not null and stopped_at is null
          and ipv4 = leases.address
          and id <> ${value('session')} and updated_at > ${value('at')} - coalesce(sessions.kept_ms, leases.kept_ms)
          and not exists (select 1 from leases as own where own.session = sessions.id))`,
      freed_at: value('at'),
    })
    .where('session', '=', value('session'))
    .where('taken_at', '<=', value('at'))
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
