import type { AttemptLimits, Permit } from '../domain/attempt-limits.ts'
import type { AuditEvent, AuditKind, AuditStore } from '../domain/audit.ts'
import type { ChallengeStore } from '../domain/challenge.ts'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import type { Candidate, IdentityProvider } from '../domain/identity-provider.ts'
import type { InvitationStore } from '../domain/invitation.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { LockoutRules } from '../domain/lockout.ts'
import { eventOf, type LoginAttempt } from '../domain/login-attempt.ts'
import { foldName, type LoginName } from '../domain/login-name.ts'
import type { Admission, LoginStore } from '../domain/login-records.ts'
import { isWithin, type Network } from '../domain/network.ts'
import type { AccountId, Person } from '../domain/person.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Secret } from '../domain/secret.ts'
import type { TotpWindow } from '../domain/totp.ts'
import type { ResponseTimeEqualizer } from '../pacing/response-time-equalizer.ts'
import type { Approvals } from './approvals.ts'
import type { EnrolAtLogin } from './ask-for-code.ts'
import type { AuthorizationRules } from './authorize-person.ts'
import type { DirectoryGuard } from './directory-guard.ts'
import type { EnrolmentCodes } from './enrolment-codes.ts'
import type { Grace } from './grace.ts'
import type { GrantReplayCache } from './grant-replay.ts'
import type { KnownAddresses } from './known-addresses.ts'
import type { PasskeyAssertions } from './passkey-assertions.ts'
import type { Quotas } from './quotas.ts'
import type { RepeatedEvents } from './repeated-events.ts'
import type { SeenAccounts } from './seen-accounts.ts'
import type { SecondFactorMode } from './split-password-and-code.ts'
import type { WrongCode } from './steps/explain-code.ts'
import { Trace } from './trace.ts'
import type { UnansweredPrompts } from './unanswered-prompts.ts'
import type { VerifiedClaims } from './verified-claims.ts'
import type { Withdrawals } from './withdrawals.ts'

/** What every kind of login uses, and the rules for a login at a gateway. */
export interface LoginOptions extends Pick<Runtime, 'clock' | 'random' | 'log'>, AuthorizationRules {
  readonly limits: AttemptLimits
  readonly records: LoginStore
  readonly audit: Pick<AuditStore, 'append'>
  readonly withdrawals: Pick<Withdrawals, 'add'>
  readonly knownAddresses: Pick<KnownAddresses, 'has'>
  /** Absent: what identity stores say of groups is not kept. */
  readonly seenAccounts?: Pick<SeenAccounts, 'note'>
  readonly quotas: Pick<Quotas, 'has' | 'standings'>
  readonly challenges: ChallengeStore
  readonly unansweredPrompts: Pick<UnansweredPrompts, 'watch' | 'answered'>
  readonly repeatedEvents: Pick<RepeatedEvents, 'tellFirst'>
  readonly invitations: Pick<InvitationStore, 'redeem' | 'endOf'>
  readonly enrolmentCodes: EnrolmentCodes
  /** Whether the subject has a passkey: then a password alone enrols nothing. @throws Unavailable */
  readonly hasPasskey: (subject: string) => Promise<boolean>
  /** Absent: nobody signs in by passkey. */
  readonly passkeys?: Pick<PasskeyAssertions, 'verify'>
  /** By username, the last ending of all of the user's browser sessions. */
  readonly endings: Pick<EphemeralStore<string>, 'get'>
  /** The identity stores that may know the name. @param gateway absent: those for every gateway. */
  readonly candidates: (name: LoginName, gateway?: string) => readonly Candidate[]
  readonly lockoutRules: LockoutRules
  readonly directoryGuard: Pick<DirectoryGuard, 'for'>
  /** Networks in which failures lock nobody, except by the hard limit. */
  readonly exempt: readonly Network[]
  readonly keys: KeyRing
  readonly mode: SecondFactorMode
  readonly secondFactorRequired: boolean
  /** Whether these groups give a role at the desk: such users are never trusted. */
  readonly hasRole: (groups: readonly string[]) => boolean
  /** Tells a changed password of another identity store from the one of a trust. */
  readonly passwordHashes: {
    hash(password: Secret): Promise<string>
    verify(hash: string, password: Secret, wait: { readonly patienceMs: number }): Promise<boolean>
  }
  /** Wrong codes after which a login ends. */
  readonly tries: number
  readonly totpWindow: TotpWindow
  /** How long a challenge can be answered, in milliseconds. */
  readonly challengeTtlMs: number
  /** Whether a right password alone may begin the first enrolment; otherwise it needs an invitation. */
  readonly enrolsByPassword: boolean
  /** Absent: users without an authenticator are refused. */
  readonly enrolAtLogin?: EnrolAtLogin
  /** Absent: nobody can approve a login with a passkey. */
  readonly approval?: ApprovalAtLogin
  /** Absent: nobody is let in without a second factor that is required. */
  readonly grace?: Grace
  /** Absent: a code works once, and a repeated request is refused. */
  readonly grantReplay?: GrantReplayCache
  readonly equalizer: Pick<ResponseTimeEqualizer, 'start' | 'answerAt'>
  /** Called with the name of each step that a login enters. */
  readonly onStep?: (step: string) => void
  /** Called with the step in which the deadline of a login passed. */
  readonly onLate?: (step: string) => void
}

/** Approving a login with a passkey: the prompt shows the page and a number that is chosen there. */
export interface ApprovalAtLogin {
  /** The page, as `https://vpn.example/approve`. */
  readonly page: string
  readonly approvals: Pick<Approvals, 'ask' | 'fetch' | 'withdraw' | 'ttlMs'>
}

/** What of these the configuration alone decides. */
export type LoginSettings = Pick<
  LoginOptions,
  | 'lockoutRules'
  | 'exempt'
  | 'mode'
  | 'secondFactorRequired'
  | 'hasRole'
  | 'tries'
  | 'totpWindow'
  | 'challengeTtlMs'
  | 'enrolsByPassword'
  | 'grace'
> &
  AuthorizationRules & {
    readonly enrolAtLogin?: Omit<EnrolAtLogin, 'codes'>
    readonly approval?: Pick<ApprovalAtLogin, 'page'>
  }

/** What differs between the kinds of login, beside the steps that they take. */
export interface LoginRules
  extends Pick<LoginOptions, 'mode' | 'secondFactorRequired' | 'enrolAtLogin' | 'grace'> {
  /** Whether identity stores are asked whatever the gateways that they are for. */
  readonly anyGateway: boolean
  /** Whether a refusal must cost as much as a password check. */
  readonly checksPasswords: boolean
  /** Whether the first identity store may look for the user while the records are read. */
  readonly prefetches: boolean
  /** Whether what is shown cannot be guessed: then no lockout bars it that guesses have made, and that ends by itself. */
  readonly isUnguessable?: boolean
}

/** What of the first factor is known before the login begins. */
export type KnownBefore = Partial<Pick<Login, 'signedInAs' | 'claims'>>

/** One login on its way through the steps: what all of them share. */
export class Login {
  readonly attempt: LoginAttempt
  readonly rules: LoginRules
  readonly options: LoginOptions
  /** Who is signed in already and shows a code once more. */
  readonly signedInAs: Person | undefined
  /** Whom the provider of the single sign-on has signed in. */
  readonly claims: VerifiedClaims | undefined
  /** Points that were taken before the check and are not settled yet. */
  permit: Permit | undefined
  /** What was sent to the records and must be taken back if the login is refused. */
  admission: Admission | undefined
  /** What `ResponseTimeEqualizer.start` returned. */
  startedAt = 0
  /** The identity stores that would be asked about the name. */
  candidates: readonly Candidate[] = []
  /** The one of them that has checked the password. */
  checkedBy: IdentityProvider | undefined
  /** Whom it counts against: the canonical username that was typed, then that of the account. */
  user: string
  /** Absent while no identity provider is known to know the user. */
  account: AccountId | undefined
  /** How many authenticators there are under the name, at every identity store. */
  authenticators = 0
  /** For the operator alone; the verdict is made without it. */
  wrongCode: WrongCode | undefined
  /** Whether the password was right, now or when the session began. */
  isPasswordRight = false
  readonly trace: Trace
  /** Where it was decided: an identity store's name, `everybody`, `locked`, `code`; a few values in all. */
  decidedAt = 'nobody'
  #isLate = false

  constructor(
    attempt: LoginAttempt,
    rules: LoginRules,
    options: LoginOptions,
    { signedInAs, claims }: KnownBefore = {},
  ) {
    this.attempt = attempt
    this.user = attempt.name.username
    this.trace = new Trace(options.clock.monotonic())
    this.rules = rules
    this.options = options
    this.signedInAs = signedInAs
    this.claims = claims
  }

  /** Once, if the deadline has passed. @param now monotonic milliseconds. */
  tellIfLate(step: string, now: number): void {
    if (this.#isLate || now <= this.attempt.deadline) return
    this.#isLate = true
    this.options.onLate?.(step)
  }

  /** Whether the user was let in from this address lately. @throws Unavailable */
  async isAtKnownAddress(): Promise<boolean> {
    return (
      this.rules.isUnguessable === true ||
      this.options.knownAddresses.has(this.user, this.account, this.attempt.address)
    )
  }

  /** Whether it comes from a network in which failures lock nobody, or cannot be a guess. */
  get isExempt(): boolean {
    return this.rules.isUnguessable === true || isWithin(this.options.exempt, this.attempt.address)
  }

  private get typedName(): string {
    return foldName(this.attempt.name.whole)
  }

  /** Of the account, as soon as it is known; its detail then tells the name that was typed. */
  event(kind: AuditKind, more: Pick<AuditEvent, 'reason' | 'detail' | 'clue'>): AuditEvent {
    const { subject = this.typedName } = this.account ?? {}
    const event = {
      ...eventOf(this.attempt, kind, more, this.options),
      name: subject === this.user ? undefined : subject,
      steps: this.trace.text(this.options.clock.monotonic()),
    }
    if (this.user === event.user) return event
    const detail = [...(event.detail === undefined ? [] : [event.detail]), `typed as ${event.user}`]
    return { ...event, user: this.user, detail: detail.join(', ') }
  }

  /** Writes an event for which the answer need not wait. */
  auditAsync(kind: AuditKind, more: Pick<AuditEvent, 'reason' | 'detail'>): void {
    const { audit, log } = this.options
    audit.append(this.event(kind, more)).catch((error: unknown) => {
      log.warn('audit.lost', { attempt: this.attempt.id, kind, error })
    })
  }
}
