import type { LockoutCause, LockoutScope } from '../domain/lockout.ts'
import type { LockoutHint } from '../domain/lockout-hint.ts'
import type { FailedGuess } from '../domain/login-records.ts'

export interface LockoutRow {
  id: string
  scope: LockoutScope
  cause: LockoutCause
  user_stem: string | null
  /** An IPv6 address is locked with its customer's network, which then stands here: `2001:db8:1:2::/64`. */
  address: string | null
  /** As `Lockout.source`; null: it covers the user at every identity provider. */
  source: string | null
  subject: string | null
  gateway: string | null
  hint: LockoutHint
  reason: string
  since: number
  /** `NO_END` if only a person can end it, so that "in force" is one comparison that an index can answer. */
  ends_at: number
  released_at: number | null
  released_by: string | null
  release_reason: string | null
  /** Null: the same as `user_stem`. */
  whole_name: string | null
}

export interface LoginFailureRow {
  /** Canonical username of the account. */
  user_stem: string
  /** As `accountKey`; empty where nobody knows the user. */
  account: string
  factor: FailedGuess['factor']
  /** An address, an IPv6 customer's network, or a mark of login-failures.ts. */
  place: string
  failures: number
  /** Of the last one. */
  failed_at: number
}
