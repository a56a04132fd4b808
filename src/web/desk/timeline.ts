import type { AuditEvent } from '../../domain/audit.ts'
import type { Lockout } from '../../domain/lockout.ts'
import type { Session } from '../../domain/session.ts'

/** One line of a story. */
export type Moment =
  | {
      readonly kind: 'event'
      /** Wall milliseconds; of several alike, of the last. */
      readonly at: number
      /** Of the first, where there are several. */
      readonly from?: number
      readonly count: number
      readonly event: AuditEvent
      /** What people may want to read of the event's detail. */
      readonly detail?: string
      readonly tone: Tone
    }
  | {
      readonly kind: 'connected' | 'disconnected'
      readonly at: number
      readonly session: Session
      readonly tone: Tone
    }
  | { readonly kind: 'lock_ended'; readonly at: number; readonly lockout: Lockout; readonly tone: Tone }

type Tone = 'good' | 'bad' | 'warn' | 'lock' | 'plain'

export interface Story {
  readonly events: readonly AuditEvent[]
  readonly sessions: readonly Session[]
  readonly lockouts: readonly Lockout[]
  /** The stretch that is told, in wall milliseconds; `until` is now. */
  readonly since: number
  readonly until: number
}

/** Events, sessions and the ends of lockouts as one story, newest first; what happened again and again is told once. */
export function timelineOf({ events, sessions, lockouts, since, until }: Story): readonly Moment[] {
  const isTold = ({ at }: Moment) => at >= since && at <= until
  const moments = [
    // Of what happened in one millisecond the session comes after the login that it follows from.
    ...sessions.flatMap(momentsOf),
    ...lockouts.flatMap(endOf),
    ...together(events.toSorted((one, other) => (one.id < other.id ? 1 : -1))),
  ]
  return moments.filter(isTold).toSorted((one, other) => other.at - one.at)
}

function together(events: readonly AuditEvent[]): readonly Moment[] {
  const told: Moment[] = []
  for (const event of events) {
    const last = told.at(-1)
    if (last?.kind === 'event' && isAlike(last.event, event))
      told[told.length - 1] = { ...last, from: event.at, count: last.count + 1 }
    else
      told.push({
        kind: 'event',
        at: event.at,
        count: 1,
        event,
        detail: detailOf(event),
        tone: toneOf(event),
      })
  }
  return told
}

/** Only tries are drawn together: each thing that a person did stands alone. */
function isAlike(one: AuditEvent, other: AuditEvent): boolean {
  const parts = ['kind', 'user', 'address', 'gateway', 'reason', 'actor'] as const
  return one.kind.startsWith('login.') && parts.every((part) => one[part] === other[part])
}

/** The lockout itself says the rest. */
function detailOf({ kind, reason, detail }: AuditEvent): string | undefined {
  if (reason === 'locked') return undefined
  return kind === 'lockout.made' ? detail?.replace(/^\w+ locked (?:until \S+|without an end): /, '') : detail
}

function toneOf({ kind, reason }: AuditEvent): Tone {
  switch (kind) {
    case 'login.accepted':
    case 'lockout.released':
    case 'enrolment.made':
      return 'good'
    case 'login.refused':
      return reason === 'locked' ? 'plain' : 'bad'
    case 'lockout.made':
      return 'lock'
    case 'login.unavailable':
    case 'address.shared':
    case 'enrolment.revoked':
    case 'user.removed':
      return 'warn'
    default:
      return 'plain'
  }
}

function momentsOf(session: Session): readonly Moment[] {
  const { startedAt, stoppedAt } = session
  return [
    ...(startedAt === undefined
      ? []
      : [{ kind: 'connected', at: startedAt, session, tone: 'good' } as const]),
    ...(stoppedAt === undefined
      ? []
      : [{ kind: 'disconnected', at: stoppedAt, session, tone: 'plain' } as const]),
  ]
}

/** What nobody did and no event tells. */
function endOf(lockout: Lockout): readonly Moment[] {
  const { until, releasedAt } = lockout
  return until === undefined || releasedAt !== undefined
    ? []
    : [{ kind: 'lock_ended', at: until, lockout, tone: 'plain' }]
}
