import type { AccountState } from './account-state.ts'

/** Why a login was refused: stable names, found in audit events, metrics and the log. */
export type RefusalReason =
  | 'malformed_request'
  | 'rate_limited'
  | 'locked'
  | 'bad_credentials'
  | 'barred'
  | 'no_second_factor'
  | 'wrong_code'
  | 'code_used'
  | 'challenge_expired'
  | 'challenge_mismatch'
  | 'no_policy'
  | 'no_address'
  | 'unavailable'

/** A decision against a login, as a value. What the user may read is derived from `reason` and `tell`, and nothing else. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly reason: RefusalReason
  /** For the operator only: audit trail and log. Holds no secret. */
  readonly detail: string
  /** Whether it is a failed guess, which limits and lockouts keep. */
  readonly counts: boolean
  /** For `locked` and `rate_limited`: milliseconds until another try can succeed; absent where no time helps. */
  readonly retryAfterMs?: number
  /** For `barred`: what of it the user is told, where that is configured. */
  readonly tell?: AccountState
}

const GUESSES: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'bad_credentials',
  'barred',
  'wrong_code',
  'code_used',
])

export function refuse(reason: RefusalReason, detail: string, retryAfterMs?: number): Refusal {
  return { kind: 'refusal', reason, detail, counts: GUESSES.has(reason), retryAfterMs }
}
