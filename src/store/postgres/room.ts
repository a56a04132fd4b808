import { type QueryCreator, type RawBuilder, sql } from 'kysely'
import type { Admission } from '../../domain/login-records.ts'
import type { Session } from '../../domain/session.ts'
import type { Param } from '../prepared.ts'
import type { Tables } from '../schema.ts'
import { isStanding, placeHolder } from '../session-places.ts'
import { UniqueViolation } from '../unique-violation.ts'
import { one } from './claims.ts'
import { type Prefixed, prefixed } from './prefixed.ts'

export type RoomValues = Prefixed<
  'room',
  {
    readonly subject: string | null
    readonly username: string
    /** Null: sessions at all gateways count. */
    readonly gateway: string | null
    readonly sameGateway: string
    /** The name of the session to come, which is no other session. */
    readonly sameName: string | null
    readonly most: number
    /** Identifiers of sessions that give their places up. */
    readonly leaving: readonly string[]
  }
>

export function roomValues(
  { session, sessionLimit: { most, per } }: LimitedAdmission,
  leaving: readonly Session[],
): Record<string, unknown> {
  return prefixed('room', {
    ...placeHolder(session),
    gateway: per === 'user' ? null : session.gateway,
    sameGateway: session.gateway,
    sameName: session.acctSession ?? null,
    most,
    leaving: leaving.map(({ id }) => id),
  })
}

/** Whether fewer sessions than `most` stand, ghosts included, as the part `room` of an admission: one row or none. */
export function room(db: QueryCreator<Tables>, value: Param<RoomValues>) {
  const gateway = sql`cast(${value('room.gateway')} as text)`
  // Two counts and not one with "or", for which a server without statistics reads the whole table.
  const standing = (whose: RawBuilder<boolean>) =>
    db
      .selectFrom('sessions')
      .select((row) => row.fn.countAll<number>().as('standing'))
      .where(whose)
      .where(isStanding)
      .where(sql<boolean>`(${gateway} is null or gateway = ${gateway})`)
      .where(sql<boolean>`(acct_session is distinct from cast(${value('room.sameName')} as text)
        or acct_session is null or gateway <> ${value('room.sameGateway')})`)
      .where(sql<boolean>`id <> all(cast(${value('room.leaving')} as text[]))`)
  const own = standing(sql<boolean>`subject = ${value('room.subject')}`)
  const unmatched = standing(sql<boolean>`subject is null and user_stem = ${value('room.username')}`)
  return db.selectNoFrom(one).where(sql<boolean>`(${own}) + (${unmatched}) < ${value('room.most')}`)
}

/**
 * The turn of a login: the one after the last that is seen. Another login of the user that is written at the same moment
 * sees the same last one, and only one of the two can be stored.
 */
export function nextTurn(value: Param<RoomValues>) {
  return sql<number>`(
    select coalesce(max(turn), 0) + 1 from sessions
    where subject = ${value('room.subject')} and turn is not null)`
}

/** Whether a login was not stored because another of the user was. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof UniqueViolation && error.message.includes('sessions_turn')
}

/** A login of a user who may have so many sessions and no more. */
export type LimitedAdmission = Admission & Required<Pick<Admission, 'session' | 'sessionLimit'>>

export function isLimited(admission: Admission): admission is LimitedAdmission {
  return admission.session !== undefined && admission.sessionLimit !== undefined
}
