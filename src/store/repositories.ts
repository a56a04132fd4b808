import type { Kysely } from 'kysely'
import type { AccountGroupStore } from '../domain/account-groups.ts'
import type { LeaseStore } from '../domain/address-pool.ts'
import type { AgentStore } from '../domain/agent.ts'
import type { TokenStore } from '../domain/api-token.ts'
import type { AttemptStore } from '../domain/attempt-tally.ts'
import type { AuditStore } from '../domain/audit.ts'
import type { SinkStore } from '../domain/audit-sink.ts'
import type { CensusTaker } from '../domain/census.ts'
import type { EnrolmentStore } from '../domain/enrolment.ts'
import type { InvitationStore } from '../domain/invitation.ts'
import type { NameStore } from '../domain/known-names.ts'
import type { LockoutStore } from '../domain/lockout.ts'
import type { GatewayStore, LoginStore } from '../domain/login-records.ts'
import type { MailStore } from '../domain/mail.ts'
import type { PasskeyStore } from '../domain/passkey.ts'
import type { PasswordLinkStore } from '../domain/password-link.ts'
import type { PeopleStore } from '../domain/people.ts'
import type { Randomness } from '../domain/random.ts'
import type { RetentionStore } from '../domain/retention.ts'
import type { RollOutStore } from '../domain/roll-out.ts'
import type { ServingBrokerStore } from '../domain/serving-broker.ts'
import type { SessionStore } from '../domain/session.ts'
import type { OrderStore } from '../domain/session-order.ts'
import type { TrafficStore } from '../domain/traffic.ts'
import type { TrustStore } from '../domain/trust.ts'
import type { UsageStore } from '../domain/usage.ts'
import type { UserStore } from '../domain/user.ts'
import { SqlAccountGroups } from './account-groups.ts'
import { SqlAgents } from './agents.ts'
import { SqlAttempts } from './attempts.ts'
import { SqlAudit } from './audit.ts'
import { SqlSinks } from './audit-sinks.ts'
import { SqlCensus } from './census.ts'
import { SqlEnrolments } from './enrolments.ts'
import { SqlGateways } from './gateways.ts'
import { SqlInvitations } from './invitations.ts'
import { SqlNames } from './known-names.ts'
import { SqlLeases } from './leases.ts'
import { SqlLockouts } from './lockouts.ts'
import { SqlLogin } from './login.ts'
import { SqlMails } from './mails.ts'
import { SqlPasskeys } from './passkeys.ts'
import { SqlPasswordLinks } from './password-links.ts'
import { SqlPeople } from './people.ts'
import { SqlRetention } from './retention.ts'
import { SqlRollOut } from './roll-out.ts'
import type { Tables } from './schema.ts'
import { SqlServingBrokers } from './serving-brokers.ts'
import { SqlOrders } from './session-orders.ts'
import { SqlSessions } from './sessions.ts'
import { SqlTokens } from './tokens.ts'
import { SqlTraffic } from './traffic.ts'
import { SqlTrusts } from './trusts.ts'
import { SqlUsage } from './usage.ts'
import { SqlUsers } from './users.ts'

/** Everything that is kept, by noun. Every method may throw `Unavailable`. */
export interface Repositories {
  readonly users: UserStore
  readonly accountGroups: AccountGroupStore
  readonly enrolments: EnrolmentStore
  readonly lockouts: LockoutStore
  readonly sessions: SessionStore
  readonly usage: UsageStore
  readonly leases: LeaseStore
  readonly audit: AuditStore
  readonly attempts: AttemptStore
  readonly names: NameStore
  readonly people: PeopleStore
  readonly rollOut: RollOutStore
  readonly sinks: SinkStore
  readonly login: LoginStore
  readonly gateways: GatewayStore
  readonly tokens: TokenStore
  readonly retention: RetentionStore
  readonly invitations: InvitationStore
  readonly passwordLinks: PasswordLinkStore
  readonly mails: MailStore
  readonly passkeys: PasskeyStore
  readonly orders: OrderStore
  readonly trusts: TrustStore
  readonly agents: AgentStore
  readonly brokers: ServingBrokerStore
  readonly traffic: TrafficStore
  readonly census: CensusTaker
}

/** Records that were opened, whatever holds them. */
export interface OpenStore {
  readonly records: Repositories
  /** Resolves where the records can be read and written now. @throws Unavailable */
  checkReady(): Promise<void>
  /** Finishes what waits, then lets go of what holds them. */
  close(): Promise<void>
}

/** The records in a database whose tables have been migrated. */
export function sqlRepositories(
  db: Kysely<Tables>,
  { random }: { readonly random: Randomness },
): Repositories {
  return {
    users: new SqlUsers(db, random),
    accountGroups: new SqlAccountGroups(db),
    enrolments: new SqlEnrolments(db),
    lockouts: new SqlLockouts(db, random),
    sessions: new SqlSessions(db, random),
    usage: new SqlUsage(db),
    leases: new SqlLeases(db),
    audit: new SqlAudit(db),
    attempts: new SqlAttempts(db),
    names: new SqlNames(db),
    people: new SqlPeople(db),
    rollOut: new SqlRollOut(db),
    sinks: new SqlSinks(db),
    login: new SqlLogin(db, random),
    gateways: new SqlGateways(db),
    tokens: new SqlTokens(db),
    retention: new SqlRetention(db),
    invitations: new SqlInvitations(db),
    passwordLinks: new SqlPasswordLinks(db),
    mails: new SqlMails(db),
    passkeys: new SqlPasskeys(db),
    orders: new SqlOrders(db, random),
    trusts: new SqlTrusts(db),
    agents: new SqlAgents(db),
    brokers: new SqlServingBrokers(db),
    traffic: new SqlTraffic(db),
    census: new SqlCensus(db),
  }
}
