import type { AuditKind } from '../domain/audit.ts'
import type { TotpAlgorithm } from '../domain/enrolment.ts'
import type { LockoutCause, LockoutScope } from '../domain/lockout.ts'

/**
 * The tables, row by row, in types that SQLite and PostgreSQL share: text; whole numbers up to 2^53; 0 and 1 for
 * truth; JSON as text. Times are wall milliseconds. What the domain calls absent is null.
 */
export interface Tables {
  users: UserRow
  user_groups: UserGroupRow
  enrolments: EnrolmentRow
  recovery_codes: RecoveryCodeRow
  lockouts: LockoutRow
  login_state: LoginStateRow
  sessions: SessionRow
  leases: LeaseRow
  audit_events: AuditEventRow
  gateway_state: GatewayStateRow
  api_tokens: ApiTokenRow
  invitations: InvitationRow
}

export interface UserRow {
  name: string
  password_hash: string | null
  enabled: number
  expires_at: number | null
  /** Canonical text, unique over all users, as is `ipv6`. */
  ipv4: string | null
  ipv6: string | null
  /** JSON: the static attributes that have no column of their own. */
  attributes: string
  created_at: number
}

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
  created_at: number
}

interface RecoveryCodeRow {
  subject: string
  hash: string
  used_at: number | null
}

export interface LockoutRow {
  id: string
  scope: LockoutScope
  cause: LockoutCause
  user_stem: string | null
  /** An IPv6 address is locked with its customer's network, which then stands here: `2001:db8:1:2::/64`. */
  address: string | null
  gateway: string | null
  reason: string
  since: number
  /** `NO_END` where only a person can end it, so that "in force" is one comparison that an index can answer. */
  ends_at: number
  released_at: number | null
  released_by: string | null
  release_reason: string | null
}

interface LoginStateRow {
  user_stem: string
  consecutive_failures: number
  /** Of the last one; null where it was counted before this was kept. */
  failed_at: number | null
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
  /** Of which `ipv4` is. */
  pool: string | null
  ipv4: string | null
  ipv6: string | null
  client: string | null
  granted_at: number | null
  started_at: number | null
  /** Milliseconds without news after which the session is taken for dead. */
  kept_ms: number | null
  updated_at: number
  stopped_at: number | null
  terminate_cause: string | null
  seconds: number
  octets_in: number
  octets_out: number
  /** Goes up with every change, so that a change made from an older reading is noticed. */
  revision: number
}

/** An address of a pool, whoever has it. */
export interface LeaseRow {
  address: string
  /** Null: it has left its pool, and is forgotten when it is free. */
  pool: string | null
  /** Whoever had it last, free or not: they get it again where that can be. */
  subject: string | null
  gateway: string | null
  /** Whose it is now; null where it is free. */
  session: string | null
  taken_at: number | null
  /** The last news of the session; null where accounting has not named it yet. */
  heard_at: number | null
  /** Milliseconds without news after which the session must be dead. */
  kept_ms: number | null
  /** 1: sessions of one user were given it before the earlier one was known to be over, so no Stop frees it, but silence. */
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
}

interface GatewayStateRow {
  /** A gateway that has proved to send Message-Authenticator. */
  key: string
}

export interface InvitationRow {
  id: string
  subject: string
  /** Hex SHA-256 of the code. */
  hash: string
  created_at: number
  created_by: string
  expires_at: number
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
