import { randomBytes } from 'node:crypto'
import type { AuditEvent } from '../../src/domain/audit.ts'
import type { Enrolment } from '../../src/domain/enrolment.ts'
import type { FailureBudget, LockoutRules } from '../../src/domain/lockout.ts'
import type { Admission, CodeUse, FailedGuess } from '../../src/domain/login-records.ts'
import type { NewMail } from '../../src/domain/mail.ts'
import type { Passkey } from '../../src/domain/passkey.ts'
import type { AccountId } from '../../src/domain/person.ts'
import type { AccountingRecord, Session } from '../../src/domain/session.ts'
import type { Trust } from '../../src/domain/trust.ts'
import type { LocalUser } from '../../src/domain/user.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** A fixed moment: nothing in the store reads a clock. */
export const NOON = Date.UTC(2026, 0, 15, 12)

const rules: LockoutRules = {
  after: 5,
  userAfter: 20,
  addressAfter: 50,
  withinMs: 10 * MINUTE,
  forMs: 5 * MINUTE,
  upToMs: HOUR,
  hardAfter: 100,
}

/** A name that no other test has used, in a store that many tests share. */
export function unique(what: string): string {
  return `${what}-${randomBytes(5).toString('hex')}`
}

const loadedAt = Date.now().toString(16).padStart(12, '0')
let made = 0

/** A UUID of version 7 that sorts after all that were made here before, even those of the same millisecond. */
export function id(): string {
  made++
  const count = made.toString(16).padStart(6, '0')
  const time = `${loadedAt.slice(0, 8)}-${loadedAt.slice(8)}`
  return `${time}-7${count.slice(0, 3)}-8${count.slice(3)}-${randomBytes(6).toString('hex')}`
}

/** An IPv4 address that no other test has used. */
export function uniqueAddress(): string {
  return `10.${[...randomBytes(3)].join('.')}`
}

export function mailOf(subject: string, more: Partial<NewMail> = {}): NewMail {
  const times = { createdAt: NOON, expiresAt: NOON + HOUR }
  return {
    id: unique('mail'),
    kind: 'locked',
    subject,
    to: 'a@example.org',
    sealed: 'k1.x',
    ...times,
    ...more,
  }
}

export function userNamed(name: string, more: Partial<LocalUser> = {}): LocalUser {
  return { name, enabled: true, groups: [], attributes: {}, createdAt: NOON, ...more }
}

export function passkeyOf(subject: string, more: Partial<Passkey> = {}): Passkey {
  return {
    id: id(),
    subject,
    name: 'laptop',
    credential: unique('credential'),
    handle: unique('handle'),
    publicKey: 'pQECAyYgASFYIA',
    counter: 0,
    rpId: 'vpn.example.org',
    transports: 'internal hybrid',
    createdAt: NOON,
    ...more,
  }
}

export function enrolmentOf(subject: string, more: Partial<Enrolment> = {}): Enrolment {
  return {
    id: id(),
    subject,
    sealedSeed: `k1.${subject}`,
    digits: 6,
    period: 30,
    algorithm: 'sha1',
    lastStep: -1,
    driftMs: 0,
    createdAt: NOON,
    ...more,
  }
}

export function eventOf(user: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return { id: id(), at: NOON, kind: 'login.refused', user, ...more }
}

function grantedSession(user: string, more: Partial<Session> = {}): Session {
  return {
    id: id(),
    gateway: 'gw1',
    user,
    subject: user,
    policy: 'staff',
    grantedAt: NOON,
    updatedAt: NOON,
    seconds: 0,
    octetsIn: 0,
    octetsOut: 0,
    ...more,
  }
}

/** In the one identity store that these tests have. */
function accountOf(subject: string): AccountId {
  return { source: 'corp', subject }
}

export interface Login {
  readonly address?: string
  readonly now?: number
  readonly session?: Partial<Session>
}

export function admission(
  user: string,
  codeUse: CodeUse,
  { address, now = NOON, session }: Login = {},
): Admission & { readonly session: Session } {
  const from = address === undefined ? {} : { address }
  return {
    query: { user, account: accountOf(user), subjects: [user], now, ...from },
    forgives: true,
    codeUse,
    session: grantedSession(user, { grantedAt: now, updatedAt: now, ...from, ...session }),
    event: eventOf(user, { kind: 'login.accepted', at: now, ...from }),
  }
}

export function trustOf(subject: string, more: Partial<Trust> = {}): Trust {
  return {
    id: id(),
    subject,
    source: 'local',
    network: '198.51.100.7',
    enrolment: id(),
    gateway: 'gw1',
    madeAt: NOON,
    expiresAt: NOON + 12 * HOUR,
    uses: 0,
    ...more,
  }
}

export interface Failure extends Partial<Pick<FailedGuess, 'account' | 'factor' | 'alias'>> {
  readonly address?: string
  readonly at?: number
  readonly lock?: readonly FailureBudget[]
  readonly rules?: Partial<LockoutRules>
}

export function failureOf(
  user: string,
  { address, at = NOON, lock = [], ...more }: Failure = {},
): FailedGuess {
  const from = address === undefined ? {} : { address }
  return {
    event: eventOf(user, { at, reason: 'bad_credentials', gateway: 'gw1', ...from }),
    user,
    account: accountOf(user),
    factor: 'password',
    gateway: 'gw1',
    lock,
    ...more,
    rules: { ...rules, ...more.rules },
    ...from,
  }
}

export function accounting(
  kind: AccountingRecord['kind'],
  user: string,
  acctSession: string,
  more: Partial<AccountingRecord> = {},
): AccountingRecord {
  return { kind, gateway: 'gw1', user, acctSession, at: NOON, seconds: 0, octetsIn: 0, octetsOut: 0, ...more }
}
