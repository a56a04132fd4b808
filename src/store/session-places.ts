import type { ExpressionBuilder, Kysely } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import type { Admission } from '../domain/login-records.ts'
import type { Randomness } from '../domain/random.ts'
import type { Session } from '../domain/session.ts'
import { type Room, roomFor } from '../domain/session-limit.ts'
import type { OrderCause } from '../domain/session-order.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'
import { writeOrder } from './session-orders.ts'
import { sessionOf } from './session-rows.ts'

/** Whose sessions count together. */
export interface PlaceHolder {
  readonly subject: string | null
  /** Finds the sessions that accounting made without a login: they have no subject. */
  readonly username: string
}

export function placeHolder({ user, subject }: Pick<Session, 'user' | 'subject'>): PlaceHolder {
  return { subject: subject ?? null, username: usernameOf(user) }
}

/** The user's sessions that have not ended and have not given up their place, live or not. */
export async function standingOf(db: Kysely<Tables>, holder: PlaceHolder): Promise<readonly Session[]> {
  const { rows } = await standing(db, holder)
  return rows.map(sessionOf)
}

/** Finds a place for the session of a login, and changes nothing yet. */
export async function findRoom(
  db: Kysely<Tables>,
  { session, sessionLimit }: Pick<Admission, 'session' | 'sessionLimit'>,
): Promise<Room> {
  if (session === undefined || sessionLimit === undefined) return { kind: 'free', leaving: [] }
  const others = (await standingOf(db, placeHolder(session))).filter(
    ({ gateway, acctSession }) =>
      acctSession === undefined || acctSession !== session.acctSession || gateway !== session.gateway,
  )
  return roomFor(session, others, sessionLimit)
}

const standing = prepared((db, value: Param<PlaceHolder>) =>
  db
    .selectFrom('sessions')
    .selectAll()
    .where('subject', '=', value('subject'))
    .where(isStanding)
    .unionAll(
      db
        .selectFrom('sessions')
        .selectAll()
        .where('subject', 'is', null)
        .where('user_stem', '=', value('username'))
        .where(isStanding),
    ),
)

export function isStanding(row: ExpressionBuilder<Tables, 'sessions'>) {
  return row.and([row('stopped_at', 'is', null), row('gave_way_at', 'is', null)])
}

/**
 * Takes the places of sessions that must leave, in the transaction of the login that needs them, and orders their end.
 * One that has ended meanwhile has none. One that accounting has not named is ordered to end as soon as it is.
 */
export async function giveWay(
  db: Kysely<Tables>,
  leaving: readonly Session[],
  later: Session,
  random: Randomness,
): Promise<void> {
  const at = later.updatedAt
  for (const session of leaving) {
    const [row] = (await giveUpPlace(db, { id: session.id, at })).rows
    if (row === undefined) continue
    const detail = `session ${session.id} gives its place to session ${later.id}`
    // A Start may have named it since it was read.
    await orderEnd(db, sessionOf(row), { at, detail }, random)
  }
}

const giveUpPlace = prepared((db, value: Param<{ id: string; at: number }>) =>
  db
    .updateTable('sessions')
    .set((row) => ({ gave_way_at: value('at'), revision: row('revision', '+', 1) }))
    .where('id', '=', value('id'))
    .where(isStanding)
    .returningAll(),
)

/** A session that gave up its place and still reports is ordered to end, unless an order is open. */
export async function orderEndIfDue(db: Kysely<Tables>, session: Session, random: Randomness): Promise<void> {
  const { gaveWayAt, stoppedAt, updatedAt: at } = session
  if (gaveWayAt === undefined || stoppedAt !== undefined) return
  await orderEnd(db, session, { at, detail: 'a later session has its place' }, random)
}

/** Only a session that its gateway has begun can be ended. */
async function orderEnd(
  db: Kysely<Tables>,
  { gateway, user, acctSession, startedAt }: Session,
  { at, detail }: Pick<OrderCause, 'at' | 'detail'>,
  random: Randomness,
): Promise<void> {
  if (acctSession === undefined || startedAt === undefined) return
  const order = { gateway, kind: 'end', target: { session: acctSession }, user, at, detail } as const
  await writeOrder(db, { ...order, id: random.id(), reason: 'too_many_sessions', by: 'ocbroker' })
}
