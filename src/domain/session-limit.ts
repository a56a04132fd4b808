import { customerNetwork } from './network.ts'
import { GRANT_TO_START_MS, type Session, stateOf } from './session.ts'

/** How many sessions a user may have at the same time, and what happens to one more. */
export interface SessionLimit {
  readonly most: number
  /** `refuse` the login, or let it in and end the user's oldest session. */
  readonly whenFull: 'refuse' | 'end_oldest'
  /** Whether the sessions at all gateways count together. */
  readonly per: 'user' | 'user_and_gateway'
}

/** What is known of the session of a login. */
export type NewSession = Pick<Session, 'gateway' | 'address' | 'client' | 'updatedAt'>

/** What a login finds when it asks for one of the places of its user. */
export type Room =
  /** `leaving`: sessions that give their places up, the oldest first. */
  | { readonly kind: 'free'; readonly leaving: readonly Session[] }
  /** `live`: the sessions that have the places, the oldest first. */
  | { readonly kind: 'full'; readonly live: readonly Session[] }

/**
 * Whether a session that has not ended takes a place: it is open, or a login of a moment ago. A silent session is a
 * ghost, and so is a login that no Start followed in time.
 * @param now wall milliseconds.
 */
export function isLive(session: Session, now: number): boolean {
  const state = stateOf(session, now)
  return state === 'open' || (state === 'granted' && began(session) >= now - GRANT_TO_START_MS)
}

/**
 * Finds a place for a login. Only as many sessions give theirs up as it needs: ghosts first, then earlier sessions of a
 * device that has a later one (it lost its network and came back), then, if the rule says so, the user's oldest ones.
 * All that remain, ghosts included, are then fewer than `most`, so that a ghost that comes back exceeds nothing.
 * @param standing the user's sessions that have not ended and have not given up their place.
 */
export function roomFor(session: NewSession, standing: readonly Session[], limit: SessionLimit): Room {
  const { most, whenFull } = limit
  const now = session.updatedAt
  const counted = countedTogether(standing, session, limit).sort(
    (one, other) => began(one) - began(other) || (one.id < other.id ? -1 : 1),
  )
  const needed = counted.length + 1 - most
  if (needed <= 0) return { kind: 'free', leaving: [] }
  const ghosts = counted.filter((each) => !isLive(each, now))
  const alive = counted.filter((each) => isLive(each, now))
  const former = alive.filter((each, index) =>
    [...alive.slice(index + 1), session].some((later) => isSameDevice(each, later)),
  )
  const live = alive.filter((each) => !former.includes(each))
  const leaving = [...ghosts, ...former, ...(whenFull === 'end_oldest' ? live : [])].slice(0, needed)
  return leaving.length < needed ? { kind: 'full', live } : { kind: 'free', leaving }
}

/** Those of the user's sessions that count for a login. */
export function countedTogether(
  standing: readonly Session[],
  { gateway }: Pick<Session, 'gateway'>,
  { per }: SessionLimit,
): Session[] {
  return standing.filter((each) => per === 'user' || each.gateway === gateway)
}

/** When it began, in wall milliseconds. */
export function began({ grantedAt, startedAt, updatedAt }: Session): number {
  return startedAt ?? grantedAt ?? updatedAt
}

/** The same client program from the same customer's network. A gateway that names neither tells nothing. */
function isSameDevice(one: Session, other: NewSession): boolean {
  if (one.client === undefined || one.address === undefined || other.address === undefined) return false
  return one.client === other.client && customerNetwork(one.address) === customerNetwork(other.address)
}
