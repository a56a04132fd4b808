import { type Kysely, type QueryCreator, sql } from 'kysely'
import type { LeaseWish } from '../domain/address-pool.ts'
import type { Admission } from '../domain/login-records.ts'
import type { Session } from '../domain/session.ts'
import { type Place, prepared } from './prepared.ts'
import type { LeaseRow, Tables } from './schema.ts'

/** Who asks for which address. */
export interface Wanted {
  readonly pool: string
  readonly address: string | null
  readonly subject: string | null
  readonly gateway: string
  readonly acctSession: string | null
}

/** What becomes of the row of an address that is taken. */
export type Taken = Pick<LeaseRow, 'subject' | 'gateway' | 'session' | 'taken_at' | 'kept_ms'>

export function wantedBy(session: Session, { pool, address }: LeaseWish): Wanted {
  const { subject, gateway, acctSession } = session
  return {
    ...{ pool, gateway },
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
  const queries = wish.address === undefined ? [usualPrepared, freePrepared] : [namedPrepared]
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

/**
 * The address that the user had last, where it is free. Where the gateway named the session to come and logs it in
 * again, the one that it was given the first time.
 */
export function usualAddress(db: QueryCreator<Tables>, value: Place<Wanted>) {
  return db
    .selectFrom('leases')
    .select('address')
    .where('subject', '=', value('subject'))
    .where('pool', '=', value('pool'))
    .where((row) =>
      row.or([
        row('session', 'is', null),
        row(
          'session',
          '=',
          row
            .selectFrom('sessions')
            .select('sessions.id')
            .where('sessions.gateway', '=', value('gateway'))
            .where('sessions.acct_session', '=', value('acctSession')),
        ),
      ]),
    )
    .where(isNobodysOwn)
    .orderBy(sql`session is null`)
    .orderBy('freed_at', 'desc')
    .limit(1)
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
    .where((row) => row.or([row('session', 'is', null), row('subject', '=', value('subject'))]))
}

/** A local user's static address is never given to another, whether its pool excludes it or not. */
const isNobodysOwn = sql<boolean>`not exists (select 1 from users where users.ipv4 = leases.address)`

const usualPrepared = prepared(usualAddress)
const freePrepared = prepared(freeAddress)
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
    })
    .where('address', '=', value('address')),
)
