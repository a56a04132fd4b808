import type { AuditEvent } from '../../domain/audit.ts'
import type { RegisteredEnrolment } from '../../domain/enrolment-register.ts'
import { isInForce, type Lockout } from '../../domain/lockout.ts'
import type { LockoutState } from '../../domain/lockout-desk.ts'
import type { Policy } from '../../domain/policy.ts'
import type { Session } from '../../domain/session.ts'
import { stateOf } from '../../domain/session-search.ts'
import type { LocalUser } from '../../domain/user.ts'

/** Members that are undefined are left out of JSON, as the contract wants it. */

/** Wall milliseconds in RFC 3339. */
export function timeText(at: number): string {
  return new Date(at).toISOString()
}

function maybeTime(at: number | undefined): string | undefined {
  return at === undefined ? undefined : timeText(at)
}

export function lockoutWire(lockout: Lockout, now: number) {
  const { since, until, releasedAt, ...rest } = lockout
  return {
    ...rest,
    state: lockoutState(lockout, now),
    since: timeText(since),
    until: maybeTime(until),
    releasedAt: maybeTime(releasedAt),
  }
}

function lockoutState(lockout: Lockout, now: number): LockoutState {
  if (lockout.releasedAt !== undefined) return 'released'
  return isInForce(lockout, now) ? 'in_force' : 'ended'
}

export function userWire({ passwordHash, attributes, expiresAt, createdAt, ...user }: LocalUser) {
  return {
    ...user,
    ...attributes,
    hasPassword: passwordHash !== undefined,
    expiresAt: maybeTime(expiresAt),
    createdAt: timeText(createdAt),
  }
}

export function enrolmentWire({ kind = 'totp', period, createdAt, ...enrolment }: RegisteredEnrolment) {
  return {
    ...enrolment,
    kind,
    period: kind === 'totp' ? period : undefined,
    createdAt: timeText(createdAt),
  }
}

export function sessionWire(session: Session, now: number) {
  const { grantedAt, startedAt, updatedAt, stoppedAt, keptMs: _, ...rest } = session
  return {
    ...rest,
    state: stateOf(session, now),
    grantedAt: maybeTime(grantedAt),
    startedAt: maybeTime(startedAt),
    updatedAt: timeText(updatedAt),
    stoppedAt: maybeTime(stoppedAt),
  }
}

export function eventWire({ at, ...event }: AuditEvent) {
  return { ...event, at: timeText(at) }
}

export function policyWire({ name, when, reply }: Policy) {
  const networks = when.networks?.map(({ text }) => text)
  return { name, when: { ...when, networks }, reply: reply && { ...reply, pool: reply.pool?.name } }
}
