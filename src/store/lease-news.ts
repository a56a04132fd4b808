import { type Kysely, sql } from 'kysely'
import { USUAL_INTERIM } from '../domain/address-pool.ts'
import type { AccountingRecord, Session } from '../domain/session.ts'
import { type Place, prepared } from './prepared.ts'
import type { LeaseRow, Tables } from './schema.ts'

/** An address that a session says it has and that was leased to somebody else meanwhile. */
export interface SharedAddress {
  readonly address: string
  /** Subject of the other. */
  readonly other: string
}

/**
 * What accounting tells of a session whose address is a pool's: that it lives, and keeps its address, or that it has
 * ended. The address that the gateway names counts, not the one of the login: before ocserv 1.5.1 two logins of one
 * user at the same moment cannot be told apart.
 */
export async function noteNews(
  db: Kysely<Tables>,
  session: Session,
  record: AccountingRecord,
): Promise<SharedAddress | undefined> {
  const { ipv4, at } = record
  const news = { session: session.id, address: ipv4 ?? null, at }
  const noted = await (endsLease(record) ? free(db, news) : prolong(db, news))
  if (noted.numAffectedRows !== 0n || ipv4 === undefined) return undefined
  return settle(db, session, { ...record, ipv4 })
}

/** An administrator's disconnect leaves ocserv's cookie as it is: the client may come back to its address without a login. */
function endsLease({ kind, terminateCause }: AccountingRecord): boolean {
  return kind === 'stop' && terminateCause !== 'Admin-Reset'
}

/** The session does not hold the address that its gateway names. */
async function settle(
  db: Kysely<Tables>,
  session: Session,
  record: AccountingRecord & { readonly ipv4: string },
): Promise<SharedAddress | undefined> {
  const [lease] = (await byAddress(db, { address: record.ipv4 })).rows
  if (lease === undefined) return undefined
  const holding = { session: session.id, subject: session.subject ?? null, at: record.at }
  if (lease.session === null) {
    // It was taken for dead and lives. News from before its end change nothing.
    if (record.at > lease.freed_at && !endsLease(record))
      await takeBack(db, { ...holding, address: lease.address })
    return undefined
  }
  if (lease.subject === session.subject) {
    await exchange(db, lease, session.id)
    await noteNews(db, session, record)
    return undefined
  }
  const isLater = record.at > (lease.taken_at ?? 0)
  return isLater ? { address: lease.address, other: lease.subject ?? '' } : undefined
}

/** Two sessions of one user got each other's. */
async function exchange(db: Kysely<Tables>, lease: LeaseRow, session: string): Promise<void> {
  const { session: other, address } = lease
  await db.updateTable('leases').set({ session: other }).where('session', '=', session).execute()
  await db.updateTable('leases').set({ session }).where('address', '=', address).execute()
}

interface News {
  readonly session: string
  /** Null: whichever the session has. */
  readonly address: string | null
  readonly at: number
}

const free = prepared((db, value: Place<News>) =>
  heldBy(db, value).set({ session: null, freed_at: value('at') }),
)

const prolong = prepared((db, value: Place<News>) =>
  heldBy(db, value).set({
    heard_at: sql`case when heard_at > ${value('at')} then heard_at else ${value('at')} end`,
  }),
)

function heldBy(db: Kysely<Tables>, value: Place<News>) {
  const address = sql<string>`coalesce(${value('address')}, address)`
  return db.updateTable('leases').where('session', '=', value('session')).where('address', '=', address)
}

const byAddress = prepared((db, value: Place<{ address: string }>) =>
  db.selectFrom('leases').selectAll().where('address', '=', value('address')),
)

const takeBack = prepared(
  (
    db,
    value: Place<{
      readonly address: string
      readonly session: string
      readonly subject: string | null
      readonly at: number
    }>,
  ) =>
    db
      .updateTable('leases')
      .set({
        session: value('session'),
        subject: value('subject'),
        taken_at: value('at'),
        heard_at: value('at'),
        kept_ms: sql`coalesce(kept_ms, ${sql.lit(2 * USUAL_INTERIM * 1000)})`,
      })
      .where('address', '=', value('address'))
      .where('session', 'is', null),
)
