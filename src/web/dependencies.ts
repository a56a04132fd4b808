import type { Request } from 'express'
import type { LeaseStore } from '../domain/address-pool.ts'
import type { AuditTrail } from '../domain/audit-search.ts'
import type { Clock } from '../domain/clock.ts'
import type { EnrolmentRegister } from '../domain/enrolment-register.ts'
import type { LockoutDesk } from '../domain/lockout-desk.ts'
import type { Log } from '../domain/log.ts'
import type { LoginStore } from '../domain/login-records.ts'
import type { Network } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import type { RoleGroups } from '../domain/scope.ts'
import type { SessionDesk } from '../domain/session-search.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import type { Locale } from '../domain/words.ts'
import type { Caller } from '../http/caller.ts'
import type { SigningIn } from '../http/sign-in-visit.ts'
import type { Enrolling } from '../manage/enrolling.ts'
import type { Explanation, Supposed } from '../manage/explain.ts'
import type { Inviting } from '../manage/inviting.ts'
import type { Lockouts } from '../manage/lockouts.ts'

/** What the pages are given. */
export interface WebDependencies {
  /** `visitOf(request)` (http/visit.ts) works in every handler; writes have passed `refuseForgery` by then. */
  readonly signingIn: SigningIn
  readonly sessions: WebSessionStore
  readonly enrolling: Enrolling
  readonly inviting: Inviting
  readonly lockouts: Lockouts
  readonly records: {
    readonly lockoutDesk: LockoutDesk
    readonly auditTrail: AuditTrail
    readonly sessionDesk: SessionDesk
    readonly leases: Pick<LeaseStore, 'usage'>
    readonly enrolmentRegister: EnrolmentRegister
    readonly login: Pick<LoginStore, 'view'>
  }
  /** Who asks, as the API tells it. @throws Problem `unauthenticated`, where it was not two factors that signed in */
  readonly callerOf: (request: Request) => Promise<Caller>
  /** What a login would come to now. */
  readonly explain: (supposed: Supposed) => Promise<Explanation | { readonly wrong: keyof Supposed }>
  /** Under what the authenticator of a name is kept; undefined where nobody knows the name. @throws Unavailable */
  readonly subjectOf: (typed: string) => Promise<string | undefined>
  /** Names, in the order of the configuration. */
  readonly gateways: readonly string[]
  /** Milliseconds within which failures count towards one lockout. */
  readonly failuresWithinMs: number
  /** From where the desk can be reached. */
  readonly allow: readonly Network[]
  readonly roles: RoleGroups
  /** What users know the service by, here and in their app. */
  readonly name: string
  readonly locales: readonly Locale[]
  readonly publicUrl?: string
  /** Whether a locked user is told so. */
  readonly tellLocked: boolean
  readonly secondFactorRequired: boolean
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
}
