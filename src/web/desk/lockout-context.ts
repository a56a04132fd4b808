import type { AuditEvent } from '../../domain/audit.ts'
import type { Lockout } from '../../domain/lockout.ts'
import { customerNetwork } from '../../domain/network.ts'
import { type RefusalReason, refuse } from '../../domain/refusal.ts'
import type { HttpServices } from '../../http/services.ts'
import { eventsSince } from './recent-events.ts'

type ContextServices = Pick<HttpServices, 'failuresWithinMs'> & {
  readonly records: {
    readonly audit: Pick<HttpServices['records']['audit'], 'list'>
    readonly sessions: Pick<HttpServices['records']['sessions'], 'list'>
  }
}

/** Events of one lockout that are read; a count stops there. */
const MAX_EVENTS = 100
/** Places of one lockout that are looked at. */
const MAX_PLACES = 20

/** What the records say for and against releasing a lockout. */
export async function lockoutContextOf(lockout: Lockout, { records, failuresWithinMs }: ContextServices) {
  const { audit } = records
  const { user, address, scope, cause, since } = lockout
  const subject = scope === 'user' ? { user } : scope === 'address' ? { address } : { user, address }
  const refused = { kinds: ['login.refused'], limit: MAX_EVENTS } as const
  const [from, isByHand] = [since - failuresWithinMs, cause === 'by_hand']
  const [before, after, neighbours, made] = await Promise.all([
    isByHand ? [] : eventsSince(audit, from, { ...refused, ...subject, before: since + 1 }),
    eventsSince(audit, since, {
      ...refused,
      ...subject,
      reason: 'locked',
      before: lockout.releasedAt ?? lockout.until,
    }),
    isByHand || address === undefined
      ? []
      : eventsSince(audit, from, { ...refused, address, before: since + failuresWithinMs }),
    isByHand
      ? eventsSince(audit, since, {
          user,
          address,
          kinds: ['lockout.made'],
          reason: 'by_hand',
          before: since + 1,
          limit: 1,
        })
      : [],
  ])
  const failures = before.filter(isFailure)
  const addresses = distinct(failures, 'address')
  const names = distinct(neighbours.filter(isFailure), 'user')
  const places = user === undefined ? [] : placesOf(address === undefined ? addresses : [address])
  const connected = await Promise.all(
    places.map(async (place) => (await records.sessions.list({ user, address: place, limit: 1 }))[0]),
  )
  const times = connected.flatMap((session) => session?.grantedAt ?? session?.startedAt ?? [])
  return {
    /** Failures that led to the lockout: at least this many where `isMore`. */
    failures: failures.length,
    isMore: before.length === MAX_EVENTS,
    reasons: countReasons(failures),
    addresses,
    gateways: distinct(failures, 'gateway'),
    /** User names that failed at the lockout's address at about the same time. */
    names,
    /** How many places the failures came from, and from how many of them the user has connected. */
    places: places.length,
    placesKnown: times.length,
    /** When the user last connected from one of them, in wall milliseconds. */
    lastConnected: times.length === 0 ? undefined : Math.max(...times),
    /** Attempts while it was locked. */
    triesSince: after.reduce((sum, { times = 1 }) => sum + times, 0),
    isMoreSince: after.length === MAX_EVENTS,
    lastTry: after[0]?.at,
    /** Who locked it manually. */
    actor: made[0]?.actor,
  }
}

/** Whether it counts as a failure for limits and lockouts. */
function isFailure({ reason }: AuditEvent): boolean {
  return reason !== undefined && refuse(reason as RefusalReason, '').counts
}

function countReasons(failures: readonly AuditEvent[]) {
  const counts = Object.entries(Object.groupBy(failures, ({ reason = '' }) => reason))
  return counts
    .map(([reason, events = []]) => ({ reason: reason as RefusalReason, count: events.length }))
    .toSorted((a, b) => b.count - a.count)
}

function placesOf(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses.map(customerNetwork))].slice(0, MAX_PLACES)
}

function distinct(events: readonly AuditEvent[], part: 'address' | 'gateway' | 'user'): readonly string[] {
  return [...new Set(events.flatMap((event) => event[part] ?? []))]
}
