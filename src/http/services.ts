import type { Request } from 'express'
import type { AccountGroupStore } from '../domain/account-groups.ts'
import type { LeaseStore } from '../domain/address-pool.ts'
import type { AgentGateway, AgentStore } from '../domain/agent.ts'
import type { TokenStore } from '../domain/api-token.ts'
import type { AttemptStore } from '../domain/attempt-tally.ts'
import type { AuditStore } from '../domain/audit.ts'
import type { EnrolmentStore } from '../domain/enrolment.ts'
import type { HelpContact } from '../domain/help-contact.ts'
import type { InvitationStore } from '../domain/invitation.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { NameStore } from '../domain/known-names.ts'
import type { Locale } from '../domain/locale.ts'
import type { LockoutStore } from '../domain/lockout.ts'
import type { GatewayStore } from '../domain/login-records.ts'
import type { MailStore } from '../domain/mail.ts'
import type { Network } from '../domain/network.ts'
import type { PeopleStore } from '../domain/people.ts'
import type { Policy } from '../domain/policy.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Rights, RoleGrants } from '../domain/scope.ts'
import type { SessionStore } from '../domain/session.ts'
import type { OrderStore } from '../domain/session-order.ts'
import type { SiteDays } from '../domain/site-days.ts'
import type { TrafficStore } from '../domain/traffic.ts'
import type { TrustStore } from '../domain/trust.ts'
import type { UsageStore } from '../domain/usage.ts'
import type { UserStore } from '../domain/user.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import type { PasskeyAssertions } from '../login/passkey-assertions.ts'
import type { Approving } from '../manage/approving.ts'
import type { Ending } from '../manage/ending.ts'
import type { Enrolling } from '../manage/enrolling.ts'
import type { EnrollingPasskeys } from '../manage/enrolling-passkeys.ts'
import type { Explanation, Supposed, WrongPart } from '../manage/explain.ts'
import type { Inviting } from '../manage/inviting.ts'
import type { Lockouts } from '../manage/lockouts.ts'
import type { Namesakes } from '../manage/namesakes.ts'
import type { OddAttempts } from '../manage/odd-attempts.ts'
import type { OwnPassword } from '../manage/own-password.ts'
import type { Passkeys } from '../manage/passkeys.ts'
import type { ChoosingPassword, PasswordLinks } from '../manage/password-links.ts'
import type { PartialRecords } from '../manage/records-over.ts'
import type { Trusts } from '../manage/trusts.ts'
import type { UserLists } from '../manage/user-lists.ts'
import type { UserQuotas } from '../manage/user-quotas.ts'
import type { Users } from '../manage/users.ts'
import type { Caller } from './caller.ts'
import type { Readiness } from './readiness.ts'
import type { SigningIn } from './sign-in-session.ts'
import type { SingleSignOn } from './single-sign-on.ts'

/** What the API and the pages work with. Each takes the part that it needs. */
export interface HttpServices extends Runtime {
  readonly records: {
    readonly audit: Pick<AuditStore, 'list' | 'tail' | 'positionOf'>
    readonly enrolments: Pick<EnrolmentStore, 'registeredOf' | 'rename' | 'list'>
    readonly gateways: Pick<GatewayStore, 'signing'>
    readonly invitations: Pick<InvitationStore, 'revoke'>
    readonly mails: Pick<MailStore, 'list' | 'queue'>
    readonly leases: Pick<LeaseStore, 'usage'>
    readonly lockouts: LockoutStore
    readonly attempts: AttemptStore
    readonly names: NameStore
    readonly people: PeopleStore
    readonly sessions: Pick<SessionStore, 'crowd' | 'list' | 'find' | 'record'>
    readonly orders: OrderStore
    readonly agents: AgentStore
    readonly tokens: TokenStore
    readonly traffic: Pick<TrafficStore, 'list'>
    readonly trusts: Pick<TrustStore, 'list'>
    readonly usage: Pick<UsageStore, 'list'>
    readonly users: Pick<UserStore, 'list' | 'find'>
    readonly accountGroups: Pick<AccountGroupStore, 'areAllIn'>
  }
  readonly webSessions: WebSessionStore
  /** Seals what browsers keep of forms. */
  readonly formKeys: KeyRing
  readonly signingIn: SigningIn
  /** Absent where it is not configured. */
  readonly singleSignOn?: SingleSignOn
  readonly enrolling: Enrolling
  readonly passkeys: Passkeys
  /** Absent, as the next: the portal has no address for passkeys. */
  readonly enrollingPasskeys?: EnrollingPasskeys
  readonly passkeyAssertions?: PasskeyAssertions
  /** Whether a passkey gives a user with these groups what no code does. */
  readonly passkeysOutrankCodes: (groups: readonly string[]) => boolean
  readonly inviting: Inviting
  readonly passwordLinks: PasswordLinks
  readonly choosingPassword: ChoosingPassword
  readonly ending: Ending
  readonly lockouts: Lockouts
  readonly trusts: Trusts
  readonly users: Users
  readonly userLists: UserLists
  readonly oddAttempts: OddAttempts
  /** Absent: browsers offer no passkeys at the address of the portal. */
  readonly approving?: Approving
  readonly ownPassword: OwnPassword
  readonly userQuotas: UserQuotas
  /** The signed-in caller of a request. @throws Problem `unauthenticated` unless two factors were shown */
  readonly callerOf: (request: Request) => Promise<Caller>
  /** Whether a login would be let in now. */
  readonly explain: (supposed: Supposed) => Promise<Explanation | { readonly wrong: WrongPart }>
  /** The subject of a user name, under which authenticators are kept; undefined for an unknown user. @throws Unavailable */
  readonly subjectOf: (typed: string) => Promise<string | undefined>
  /** Whether these rights are good for the person with this user name or subject, and cover all of theirs. @throws Unavailable */
  readonly mayActOn: (target: string, rights: Rights) => Promise<boolean>
  /** Whether the caller may see what is kept of the user with this name or subject. @throws Unavailable */
  readonly maySee: (name: string, caller: Pick<Caller, 'rights'>) => Promise<boolean>
  /** The records as the caller may see them: of the users for whom the caller's rights are good. */
  readonly recordsOf: (caller: Pick<Caller, 'rights'>) => PartialRecords
  /** Which other identity stores have a user of this name. */
  readonly namesakesOf: (name: string) => Promise<Namesakes>
  readonly readiness: Readiness
  readonly policies: readonly Policy[]
  /** Whether a passkey is a second factor at every login. */
  readonly takesPasskeys: boolean
  /** Of the site's time zone. */
  readonly days: SiteDays
  /** Names, in the order of the configuration. */
  readonly gateways: readonly string[]
  readonly agentGateways: readonly AgentGateway[]
  /**
   * What the broker expects of a gateway, as `ocserv-config GATEWAY --json` prints it.
   * @param reachedAt the broker's address at which the gateway has reached it. @returns undefined where there is no such gateway.
   */
  readonly expectationOf: (
    gateway: string,
    reachedAt: string,
  ) => Promise<Readonly<Record<string, unknown>> | undefined>
  /** Of this program. */
  readonly version: string
  readonly roles: RoleGrants
  /** Networks that may reach the API and the admin console. */
  readonly allow: readonly Network[]
  /** The time within which failures count towards one lockout, in milliseconds. */
  readonly failuresWithinMs: number
  /** The service's name on pages and in authenticator apps. */
  readonly name: string
  readonly locales: readonly Locale[]
  readonly publicUrl?: string
  /** Whom users ask who are stuck. */
  readonly help?: HelpContact
  /** Otherwise a first enrolment needs an invitation. */
  readonly enrolsByPassword: boolean
  /** Whether a locked user is told so. */
  readonly tellLocked: boolean
}
