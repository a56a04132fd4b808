import type { Generated, Kysely, Selectable } from 'kysely'
import type { AuditKind } from '../domain/audit.ts'
import type { TotpAlgorithm } from '../domain/enrolment.ts'
import type { AuditOrder, AuditSinkRow } from './audit-schema.ts'
import type { AgentRow, GatewayStateRow, SessionOrderRow, TrafficRow } from './gateway-schema.ts'
import type { LockoutRow, LoginFailureRow } from './lockout-schema.ts'
import type { MailRow } from './mail-schema.ts'
import type { QuotaAdditionRow, QuotaMarkRow, UsageDayRow, UsageTotalRow } from './usage-schema.ts'

/**
 * The tables, row by row, in types that SQLite and PostgreSQL share: text; whole numbers up to 2^53; 0 and 1 for
 * truth; JSON as text. Times are wall milliseconds. What the domain calls absent is null.
 */
export interface Tables {
  users: UserTable
  user_groups: UserGroupRow
  enrolments: EnrolmentTable
  recovery_codes: RecoveryCodeRow
  lockouts: LockoutRow
  login_failures: LoginFailureRow
  sessions: SessionRow
  leases: LeaseRow
  audit_events: AuditEventRow & AuditOrder
  audit_sinks: AuditSinkRow
  gateway_state: GatewayStateRow
  traffic: TrafficRow
  api_tokens: ApiTokenRow
  invitations: InvitationRow
  password_links: PasswordLinkRow
  mails: MailRow
  passkeys: PasskeyRow
  session_orders: SessionOrderRow
  agents: AgentRow
  serving_brokers: ServingBrokerRow
  trusts: TrustRow
  grace: GraceRow
  usage_days: UsageDayRow
  usage_totals: UsageTotalRow
  quota_marks: QuotaMarkRow
  quota_additions: QuotaAdditionRow
  account_groups: AccountGroupRow
}

/** The tables by their names alone, for what is done to each. */
export type AnyTables = Kysely<Record<string, Record<string, unknown>>>

interface UserTable {
  name: string
  password_hash: string | null
  enabled: number
  expires_at: number | null
  /** Canonical text, unique over all users, as is `ipv6`. */
  ipv4: string | null
  ipv6: string | null
  /** As `digitsOf` of `ipv6`; null also where a broker of an older version wrote the user. */
  ipv6_digits: string | null
  /** JSON: the static attributes that have no column of their own. */
  attributes: string
  created_at: number
  mail: Generated<string | null>
  /** A tag of `LOCALES`. */
  language: Generated<string | null>
  /** As `LocalUser.revision`. */
  revision: Generated<number>
}

export type UserRow = Selectable<UserTable>

interface UserGroupRow {
  user_name: string
  group_name: string
  /** Groups keep the order in which they were given. */
  position: number
}

export interface EnrolmentRow {
  id: string
  /** Null: the codes follow the time. */
  kind: 'totp' | 'hotp' | null
  subject: string
  sealed_seed: string
  digits: number
  period: number
  algorithm: TotpAlgorithm
  last_step: number
  /** Milliseconds. */
  drift_ms: number
  created_at: number
  name: string | null
  used_at: number | null
}

/** The authenticators of a subject have places from 1 on, so that no two of one moment are one too many. */
interface EnrolmentTable extends EnrolmentRow {
  slot: Generated<number>
}

interface RecoveryCodeRow {
  subject: string
  hash: string
  used_at: number | null
  /** Of a scratch code: the authenticator that it came with, and goes with. */
  enrolment: string | null
}

interface GraceRow {
  subject: string
  /** That it has let in. */
  logins: number
  last_at: number | null
  /** 1: the user has had an authenticator that was taken away. */
  closed: number
}

export interface SessionRow {
  id: string
  gateway: string
  user_name: string
  /** What people search by: the name without realm, in canonical form. */
  user_stem: string
  subject: string | null
  address: string | null
  /** The customer's, where the address is IPv6. */
  network: string | null
  acct_session: string | null
  policy: string | null
  /** The name of the pool that gave `ipv4` or `ipv6`. */
  pool: string | null
  ipv4: string | null
  ipv6: string | null
  client: string | null
  nas: string | null
  granted_at: number | null
  started_at: number | null
  /** Milliseconds without a report after which the session is taken for dead. */
  kept_ms: number | null
  updated_at: number
  stopped_at: number | null
  /** When a later session of the user took its place. */
  gave_way_at: number | null
  terminate_cause: string | null
  seconds: number
  octets_in: number
  octets_out: number
  /** Goes up with every change, so that a change made from an older reading is noticed. */
  revision: number
  /** Host of the agent that reported it last. Does not count in `revision`, as neither does `missed_at`. */
  agent?: string | null
  /** When that agent's report first was without it; null while it is there. */
  missed_at?: number | null
  /** Among the limited logins of its subject, where several may be written at the same time. */
  turn?: number | null
}

/** An address of a pool, free or held. */
export interface LeaseRow {
  /** IPv4, or the client's in an IPv6 prefix. */
  address: string
  /** The first and the last address of the IPv6 prefix, as `digitsOf`. No two prefixes have addresses in common. */
  first_digits: string | null
  last_digits: string | null
  /** As `poolKey`. Null: it has left its pool, and is forgotten when it is free. */
  pool: string | null
  /** The user who had it last, free or not: they get it again if possible. */
  subject: string | null
  gateway: string | null
  /** The session that has it now; null if it is free. */
  session: string | null
  taken_at: number | null
  /** The last report of the session; null if accounting has not named it yet. */
  heard_at: number | null
  /** Milliseconds without a report after which the session must be dead. */
  kept_ms: number | null
  /** 1: sessions of one user were given it before the earlier one was known to be over, so only silence frees it. */
  contested: number
  /** The least goes first: when it was freed, or, long before, its place among those that were never given. */
  freed_at: number
}

export interface AuditEventRow {
  id: string
  at: number
  kind: AuditKind
  actor: string | null
  user_name: string | null
  address: string | null
  /** The customer's, where the address is IPv6. */
  network: string | null
  gateway: string | null
  reason: string | null
  detail: string | null
  /** Null: once. */
  times: number | null
  /** Null: the same as `user_name`. */
  whole_name: string | null
  attempt: string | null
  steps: string | null
  /** JSON: as `AuditEvent.clue`. */
  clue: string | null
}

export interface InvitationRow {
  id: string
  subject: string
  /** Hex SHA-256 of the code. */
  hash: string
  created_at: number
  created_by: string
  expires_at: number
  used_at: number | null
}

export interface PasswordLinkRow {
  user_name: string
  /** Hex SHA-256 of the code. */
  hash: string
  created_at: number
  created_by: string
  expires_at: number
  used_at: number | null
}

export interface PasskeyRow {
  id: string
  subject: string
  name: string
  credential: string
  handle: string
  public_key: string
  counter: number
  rp_id: string
  transports: string | null
  created_at: number
  used_at: number | null
}

interface AccountGroupRow {
  user_stem: string
  source: string
  subject: string
  /** Empty: the row that each account has. */
  group_name: string
  seen_at: number
}

export interface ServingBrokerRow {
  name: string
  version: string
  seen_at: number
  ahead_ms: number
  /** JSON: as `ServingBroker.keys`. */
  keys: string
  policies: string
  pools: string
}

export interface ApiTokenRow {
  id: string
  name: string
  /** Hex SHA-256 of the token. */
  hash: string
  /** Separated by blanks. */
  scopes: string
  created_at: number
  created_by: string
  expires_at: number | null
  last_used_at: number | null
  revoked_at: number | null
  revoked_by: string | null
}

export interface TrustRow {
  id: string
  subject: string
  source: string
  /** The username of the subject, by which lockouts go. */
  user_stem: string
  network: string
  enrolment: string
  record: string | null
  sealed_password_hash: string | null
  gateway: string
  made_at: number
  expires_at: number
  used_at: number | null
  uses: number
}
