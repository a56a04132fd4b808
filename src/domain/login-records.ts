import type { LeaseWish } from './address-pool.ts'
import type { AuditEvent } from './audit.ts'
import type { Enrolment } from './enrolment.ts'
import type { Lockout, LockoutRules, LockoutScope, Spared } from './lockout.ts'
import type { Session } from './session.ts'

/** Whose records a login needs. */
export interface LoginQuery {
  readonly user: string
  /** Every `Person.subject` that the name may turn out to be. */
  readonly subjects: readonly string[]
  readonly address?: string
  /** Wall milliseconds. */
  readonly now: number
}

export interface LoginView {
  readonly enrolments: readonly Enrolment[]
  /** Lockouts in force on the user, the address, or the two together. */
  readonly locks: readonly Lockout[]
  /**
   * Whether the user was let in from this address within `ADDRESS_KNOWN_MS`. Looked up only where a lockout of the
   * user for failures is in force, since nothing else depends on it; false otherwise.
   */
  readonly knownAddress: boolean
}

/** What proves the second factor and must be spent for it. */
export type Claim =
  | { readonly kind: 'totp'; readonly enrolment: string; readonly step: number }
  | { readonly kind: 'recovery'; readonly subject: string; readonly hash: string }
  /** No second factor was demanded. */
  | { readonly kind: 'none' }

export interface Admission {
  readonly query: LoginQuery
  /** Lockouts that do not bar this login. */
  readonly spared?: Spared
  readonly claim: Claim
  /** Absent where no VPN session follows: somebody signs in to the broker's own pages. */
  readonly session?: Session
  /** The address that goes with the session. */
  readonly lease?: LeaseWish
  readonly event: AuditEvent
}

export type AdmissionAnswer =
  | { readonly kind: 'admitted' /** That was leased. */; readonly ipv4?: string }
  /** The pool has none that is free, or the one that was asked for is another user's. The code is not spent. */
  | { readonly kind: 'no_address' }
  /** Another login spent the code, or it was no code of this user. */
  | { readonly kind: 'code_used' }
  /** A lockout came into force while the login was being decided. */
  | { readonly kind: 'locked'; readonly lock: Lockout }

export interface FailedGuess {
  readonly event: AuditEvent
  readonly user: string
  readonly address?: string
  readonly gateway: string
  /** Scopes whose count of failures is full and that must now be locked. */
  readonly lock: readonly LockoutScope[]
  readonly rules: LockoutRules
}

/** The records that an Access-Request reads and writes; each call is one transaction. */
export interface LoginStore {
  view(query: LoginQuery): Promise<LoginView>
  /**
   * The whole success: no lock in force, the code claimed (one winner), an address leased (to nobody else), the session
   * opened, the event written and consecutive failures forgotten; or nothing of it. Durable when it resolves.
   */
  admit(admission: Admission): Promise<AdmissionAnswer>
  /** Writes the failure, counts it, and makes the lockouts that follow from it. @returns those made. */
  recordFailure(failure: FailedGuess): Promise<readonly Lockout[]>
}

/** What has been learned about gateways and must outlive the process. */
export interface GatewayStore {
  /** Keys of the gateways that have proved to send Message-Authenticator. */
  authenticating(): Promise<readonly string[]>
  remember(key: string): Promise<void>
  forget(key: string): Promise<void>
}
