import type { LeaseRequest } from './address-pool.ts'
import type { AuditEvent } from './audit.ts'
import type { DirectoryAccount, DirectoryLock, DirectoryQuery, DirectoryView } from './directory-lockout.ts'
import type { Enrolment } from './enrolment.ts'
import type { GraceLeft, GraceStanding } from './grace.ts'
import type { FailureBudget, Lockout, LockoutRules } from './lockout.ts'
import type { AccountId } from './person.ts'
import type { Session } from './session.ts'
import type { SessionLimit } from './session-limit.ts'
import type { Trust, TrustQuery } from './trust.ts'

/** Selects the records that a login needs. */
export interface LoginQuery {
  /** The canonical username of the account, as soon as it is known; until then the one that was typed. */
  readonly user: string
  /** The canonical username that was typed, if the account has another. */
  readonly alias?: string
  /** As soon as it is known. */
  readonly account?: AccountId
  /** Every possible `Person.subject` of the name. */
  readonly subjects: readonly string[]
  readonly address?: string
  /** Wall milliseconds. */
  readonly now: number
}

export type KnownAddressQuery = Pick<LoginQuery, 'user' | 'account' | 'address' | 'now'> &
  Partial<Pick<LoginQuery, 'subjects'>>

export interface LoginView {
  readonly enrolments: readonly Enrolment[]
  /** Lockouts in force on the user, the address, or the pair; without those of one identity provider's account. */
  readonly locks: readonly Lockout[]
  /**
   * Whether the user logged in from this address within `ADDRESS_KNOWN_MS`. Looked up only while a lockout that it
   * lifts is in force, as nothing else depends on it; otherwise false.
   */
  readonly knownAddress: boolean
}

/** What admission must spend: a second factor, or what stands for it. */
export type CodeUse =
  | {
      readonly kind: 'totp'
      readonly enrolment: string
      readonly step: number
      /** The enrolment's drift from now on. */
      readonly driftMs: number
    }
  /** `hashes`: of the one code that was typed, with every seed that may key it. */
  | { readonly kind: 'recovery'; readonly subject: string; readonly hashes: readonly string[] }
  /** The user has approved the login. @property passkey identifier. */
  | { readonly kind: 'approval'; readonly passkey: string; readonly subject: string }
  /** A full login of a short while ago stands for it. @property trust identifier. */
  | { readonly kind: 'trust'; readonly trust: string; readonly enrolment: string }
  /** The user has no authenticator yet. @property most logins that grace may let in, all in all. */
  | { readonly kind: 'grace'; readonly subject: string; readonly most: number; readonly left: GraceLeft }
  /** Its counter is claimed when it is verified. @property passkey identifier. */
  | { readonly kind: 'passkey'; readonly passkey: string }
  /** No second factor was required. */
  | { readonly kind: 'none' }

/** Whether a second factor was shown in this login. */
export function showsSecondFactor({ kind }: CodeUse): boolean {
  return kind === 'totp' || kind === 'recovery' || kind === 'approval' || kind === 'passkey'
}

export interface Admission {
  readonly query: LoginQuery
  /** Whether the login takes failures of the account back. */
  readonly forgives?: boolean
  /** As `LockoutExemption`. */
  readonly isExempt?: boolean
  readonly codeUse: CodeUse
  /** Absent for the broker's own pages, where no VPN session follows. */
  readonly session?: Session
  /** Absent: the user may have any number of sessions. */
  readonly sessionLimit?: SessionLimit
  /** The session's IPv4 address. */
  readonly lease?: LeaseRequest
  /** The session's IPv6 prefix. */
  readonly lease6?: LeaseRequest
  /** Replaces one of the same user and network. */
  readonly trust?: Trust
  readonly event: AuditEvent
}

export type AdmissionAnswer =
  /** `ipv6`: the client's address in the prefix, or that of the prefix around the user's own one. */
  | { readonly kind: 'admitted' /** The leased addresses. */; readonly ipv4?: string; readonly ipv6?: string }
  /** A pool is full, or the requested address is another user's. The code is not spent. */
  | { readonly kind: 'no_address' }
  /** The user has all the sessions that they may have, which are these. The code is not spent. */
  | { readonly kind: 'too_many_sessions'; readonly live: readonly Session[] }
  /** Another login spent the code, the user has no such code, or trust or grace is no longer in force. */
  | { readonly kind: 'code_used' }
  /** A lockout came into force while the login was being decided. */
  | { readonly kind: 'locked'; readonly lock: Lockout }

/** An admission whose login was refused, because no answer of the records came in time. */
export interface Withdrawal {
  /** Identifier of the admission's session. */
  readonly session?: string
  /** The refusal, under the identifier of the admission's event. Written if the admission was not stored. */
  readonly refused: AuditEvent
  /** Written if it was. */
  readonly withdrawn: AuditEvent
}

export interface FailedGuess extends Pick<LoginQuery, 'user' | 'alias' | 'account' | 'address'> {
  readonly event: AuditEvent
  /** What was wrong. A code is looked at only after the right password. */
  readonly factor: 'password' | 'code'
  readonly gateway: string
  /** Spent budgets of failures, whose lockouts must be made now. */
  readonly lock: readonly FailureBudget[]
  readonly rules: LockoutRules
}

/** The records that an Access-Request reads and writes; each call is one transaction. */
export interface LoginStore {
  view(query: LoginQuery): Promise<LoginView>
  /** The trust in force; see `Trust`. */
  findTrust(query: TrustQuery): Promise<Trust | undefined>
  /** What of the grace of a user without an authenticator is spent. */
  graceOf(query: { readonly subject: string; readonly now: number }): Promise<GraceStanding>
  /** Whether the user was let in from this address within `ADDRESS_KNOWN_MS`. */
  isKnownAddress(query: KnownAddressQuery): Promise<boolean>
  /**
   * All or nothing: checks that no lockout is in force and that the user may have one more session, spends the code
   * (one winner), leases the addresses, opens the session, writes the event and takes back the failures of the account,
   * but not those at other addresses that count by themselves. Durable when it resolves.
   */
  admit(admission: Admission): Promise<AdmissionAnswer>
  /** What `admit` would answer to a code that is right; no address is named. Changes nothing, and holds nothing. */
  foresee(admission: Admission): Promise<AdmissionAnswer>
  /**
   * Takes an admission back: one that is not stored cannot be stored any more; of one that is, the session ends and its
   * address is free. The code stays spent. Can be repeated. @returns whether it was stored.
   */
  withdraw(withdrawal: Withdrawal): Promise<boolean>
  /** Records the failure and counts it. @returns the lockouts that it caused. */
  recordFailure(failure: FailedGuess): Promise<readonly Lockout[]>
  /** What keeps passwords from the account of a directory that would lock it. */
  viewDirectory(query: DirectoryQuery): Promise<DirectoryView>
  /** Makes the lockout, unless one of the same cause is in force. @returns the one in force. */
  lockDirectory(lock: DirectoryLock): Promise<Lockout>
  /** The directory has restarted its count: ends the lockouts of everybody that are in force. */
  endDirectory(account: DirectoryAccount, now: number): Promise<void>
}

/** What was learned about gateways, across restarts. */
/** A RADIUS client that has sent a valid Message-Authenticator. */
export interface SigningClient {
  /** See `clientKey` and `clientOf`. */
  readonly key: string
  /** Wall milliseconds of the last request that was dropped because it was not signed. */
  readonly unsignedAt?: number
}

export interface GatewayStore {
  signing(): Promise<readonly SigningClient[]>
  remember(key: string): Promise<void>
  noteUnsigned(key: string, at: number): Promise<void>
  forget(key: string): Promise<void>
}
