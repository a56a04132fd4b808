import type { AuditEvent } from '../../domain/audit.ts'
import type { Lockout } from '../../domain/lockout.ts'
import { customerNetwork } from '../../domain/network.ts'
import { type RefusalReason, refuse } from '../../domain/refusal.ts'
import type { Session } from '../../domain/session.ts'
import type { WebDependencies } from '../dependencies.ts'
import { eventsSince } from './recent-events.ts'
import type { Hint } from './words.ts'

/** What speaks for and against letting somebody in, as far as the records tell. */
export interface Evidence {
  /** Failures that led to the lockout, the newest of them if there are more than `isMore` counts. */
  readonly failures: number
  readonly isMore: boolean
  readonly reasons: readonly { readonly reason: RefusalReason; readonly count: number }[]
  readonly addresses: readonly string[]
  readonly gateways: readonly string[]
  /** User names that failed at the address of the lockout, about the same time. */
  readonly names: readonly string[]
  /** Wall milliseconds at which the user last connected from the address in question. */
  readonly lastConnected?: number
  /** What was tried while it was locked. */
  readonly triesSince: number
  readonly isMoreSince: boolean
  readonly lastTry?: number
  /** Who locked it, where somebody did. */
  readonly actor?: string
  readonly hint: Hint
}

type Records = Pick<WebDependencies, 'failuresWithinMs'> & {
  readonly records: Pick<WebDependencies['records'], 'auditTrail' | 'sessionDesk'>
}

/** Events of one lockout that are looked at; a counter stops there. */
const MOST = 100
/** One user fails at so many addresses only with help. */
const MANY_ADDRESSES = 4
const MANY_NAMES = 3

export async function evidenceOf(lockout: Lockout, dependencies: Records): Promise<Evidence> {
  const { auditTrail } = dependencies.records
  const { user, address, scope, cause, since } = lockout
  const withinMs = dependencies.failuresWithinMs
  const of = scope === 'user' ? { user } : scope === 'address' ? { address } : { user, address }
  const refused = { kinds: ['login.refused'], limit: MOST } as const
  const isMade = cause === 'by_hand'
  const [before, after, neighbours, actor] = await Promise.all([
    isMade ? [] : eventsSince(auditTrail, since - withinMs, { ...refused, ...of, before: since + 1 }),
    eventsSince(auditTrail, since, {
      ...{ ...refused, ...of, reason: 'locked' },
      before: lockout.releasedAt ?? lockout.until,
    }),
    isMade || address === undefined
      ? []
      : eventsSince(auditTrail, since - withinMs, { ...refused, address, before: since + withinMs }),
    isMade ? whoLocked(lockout, dependencies) : undefined,
  ])
  const failures = before.filter(isFailure)
  const place = address ?? failures[0]?.address
  const connected = user === undefined ? undefined : await lastSession(user, place, dependencies)
  const found = {
    failures: failures.length,
    isMore: before.length === MOST,
    reasons: countReasons(failures),
    addresses: distinct(failures, 'address'),
    gateways: distinct(failures, 'gateway'),
    names: distinct(neighbours.filter(isFailure), 'user'),
    lastConnected: connected?.grantedAt ?? connected?.startedAt,
    triesSince: after.length,
    isMoreSince: after.length === MOST,
    lastTry: after[0]?.at,
    actor,
  }
  return { ...found, hint: hintOf(lockout, found) }
}

/** What limits count as a failure is one here, too. */
function isFailure({ reason }: AuditEvent): boolean {
  return reason !== undefined && refuse(reason as RefusalReason, '').counts
}

function countReasons(failures: readonly AuditEvent[]): Evidence['reasons'] {
  const counts = new Map<string, number>()
  for (const { reason = '' } of failures) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => ({ reason: reason as RefusalReason, count }))
    .toSorted((a, b) => b.count - a.count)
}

function distinct(events: readonly AuditEvent[], part: 'address' | 'gateway' | 'user'): readonly string[] {
  return [...new Set(events.flatMap((event) => event[part] ?? []))]
}

async function whoLocked(
  { user, address, since }: Lockout,
  { records }: Records,
): Promise<string | undefined> {
  const made = await eventsSince(records.auditTrail, since, {
    ...{ user, address, kinds: ['lockout.made'], reason: 'by_hand', before: since + 1, limit: 1 },
  })
  return made[0]?.actor
}

async function lastSession(
  user: string,
  address: string | undefined,
  { records }: Records,
): Promise<Session | undefined> {
  if (address === undefined) return undefined
  const [session] = await records.sessionDesk.search({ user, address: customerNetwork(address), limit: 1 })
  return session
}

function hintOf({ cause, scope }: Lockout, found: Omit<Evidence, 'hint'>): Hint {
  if (cause === 'by_hand') return 'by_hand'
  if (scope === 'address' || found.addresses.length >= MANY_ADDRESSES) return 'guessing'
  // Many people may share an address, but not with one who has never been there.
  if (found.lastConnected !== undefined) return 'known_place'
  return found.names.length >= MANY_NAMES ? 'guessing' : 'new_place'
}
