import type { AuditEvent } from '../../domain/audit.ts'
import type { RegisteredEnrolment } from '../../domain/enrolment.ts'
import { isInForce, type Lockout, type LockoutState } from '../../domain/lockout.ts'
import type { Entitlement, Policy } from '../../domain/policy.ts'
import type { QuotaStanding } from '../../domain/quota.ts'
import { type Session, stateOf } from '../../domain/session.ts'
import type { SessionOrder } from '../../domain/session-order.ts'
import type { ShownTrust } from '../../domain/trust.ts'
import type { LocalUser } from '../../domain/user.ts'

/** Wall milliseconds in RFC 3339. Members that are undefined are left out of JSON. */
export function timeText(at: number): string
export function timeText(at: number | undefined): string | undefined
export function timeText(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString()
}

export function lockoutWire(lockout: Lockout, now: number) {
  const { since, until, releasedAt, ...rest } = lockout
  return {
    ...rest,
    state: lockoutState(lockout, now),
    since: timeText(since),
    until: timeText(until),
    releasedAt: timeText(releasedAt),
  }
}

function lockoutState(lockout: Lockout, now: number): LockoutState {
  if (lockout.releasedAt !== undefined) return 'released'
  return isInForce(lockout, now) ? 'in_force' : 'ended'
}

export function userWire({
  passwordHash,
  attributes,
  expiresAt,
  createdAt,
  revision: _,
  ...user
}: LocalUser) {
  return {
    ...user,
    ...attributes,
    hasPassword: passwordHash !== undefined,
    expiresAt: timeText(expiresAt),
    createdAt: timeText(createdAt),
  }
}

export function enrolmentWire({
  kind = 'totp',
  period,
  driftMs,
  createdAt,
  usedAt,
  ...enrolment
}: RegisteredEnrolment) {
  return {
    ...enrolment,
    kind,
    period: kind === 'totp' ? period : undefined,
    clockAhead: Math.round(driftMs / 1000),
    createdAt: timeText(createdAt),
    usedAt: timeText(usedAt),
  }
}

export function trustWire({ madeAt, expiresAt, usedAt, ...trust }: ShownTrust) {
  return {
    ...trust,
    madeAt: timeText(madeAt),
    expiresAt: timeText(expiresAt),
    usedAt: timeText(usedAt),
  }
}

/** @param end the last order to end it. */
export function sessionWire(session: Session, now: number, end?: SessionOrder) {
  const { grantedAt, startedAt, updatedAt, stoppedAt, gaveWayAt, staleAfterMs: _, ...rest } = session
  return {
    ...rest,
    state: stateOf(session, now),
    grantedAt: timeText(grantedAt),
    startedAt: timeText(startedAt),
    updatedAt: timeText(updatedAt),
    stoppedAt: timeText(stoppedAt),
    gaveWayAt: timeText(gaveWayAt),
    end: end && orderWire(end),
  }
}

export function quotaWire({ quota, used, most, left, beginsAgain }: QuotaStanding) {
  const { policy, measure, per, of, from } = quota
  return { policy, measure, per, of, most, used, left, from, beginsAgain }
}

export function orderWire({ at, doneAt, ...order }: SessionOrder) {
  return { ...order, at: timeText(at), doneAt: timeText(doneAt) }
}

export function eventWire({ at, ...event }: AuditEvent) {
  return { ...event, at: timeText(at) }
}

export function policyWire({
  name,
  when,
  quotas,
  reply,
  words,
  needsFreshFactor,
  trustMs,
  sessions,
}: Policy) {
  const networks = when.networks?.map(({ text }) => text)
  const times = when.times?.map(({ from, to, ...rest }) => ({
    ...rest,
    from: clockText(from),
    to: clockText(to),
  }))
  return {
    name,
    when: { ...when, networks, times },
    message: words,
    require: needsFreshFactor === true ? 'fresh_second_factor' : undefined,
    trust: trustMs && trustMs / 1000,
    quotas,
    sessions,
    reply: reply && entitlementWire(reply),
  }
}

function entitlementWire({ pool, defined: _, ...reply }: Entitlement) {
  return { ...reply, pool: pool?.name }
}

function clockText(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')
}
