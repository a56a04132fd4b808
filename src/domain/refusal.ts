import type { AccountState } from './account-state.ts'
import type { CodeClue } from './code-clue.ts'
import type { InvitationEnd } from './invitation.ts'
import type { PolicyWords } from './policy.ts'
import type { QuotaStanding } from './quota.ts'
import type { Session } from './session.ts'
import { placesOfSessions } from './session-words.ts'

/** Why a login was refused: stable names, found in audit events, metrics and the log. */
export type RefusalReason =
  | 'malformed_request'
  | 'rate_limited'
  | 'repeated_request'
  | 'locked'
  | 'bad_credentials'
  | 'barred'
  | 'no_second_factor'
  | 'wrong_code'
  | 'code_used'
  | 'not_approved'
  | 'passkey_refused'
  | 'passkey_needed'
  | 'challenge_expired'
  | 'challenge_mismatch'
  | 'no_policy'
  | 'no_address'
  | 'quota_spent'
  | 'too_many_sessions'
  | 'unavailable'

/** A decision against a login. The user's message depends only on `reason`, `tell`, `words` and `live`. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly reason: RefusalReason
  /** For the operator only: audit trail and log. Holds no secret. */
  readonly detail: string
  /** For the operator only, as `detail` is. */
  readonly clue?: CodeClue
  /** Whether it is a failed guess, which limits and lockouts count. */
  readonly counts: boolean
  /** For `locked` and `rate_limited`: milliseconds until another try can succeed; absent if waiting does not help. */
  readonly retryAfterMs?: number
  /** For `locked`: whether the user reads the same as for a wrong password, because more would tell that the name exists. */
  readonly isUntold?: true
  /** What is wrong with an invitation whose code was right: its holder may be told. */
  readonly invitation?: InvitationEnd
  /** When it may be answered, in monotonic milliseconds; absent: at once. */
  readonly answerAt?: number
  /** For `quota_spent`. */
  readonly quota?: QuotaStanding
  /** For `barred`: what the user may be told, if configured. */
  readonly tell?: AccountState
  /** For `no_policy`: what the policy wants the user to read. */
  readonly words?: PolicyWords
  /** For `too_many_sessions`: the user's sessions, the oldest first. */
  readonly live?: readonly Session[]
}

/** Failed guesses, which limits and lockouts count. */
export const GUESSES: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'bad_credentials',
  'barred',
  'wrong_code',
  'code_used',
])

export function refuse(reason: RefusalReason, detail: string, retryAfterMs?: number): Refusal {
  return { kind: 'refusal', reason, detail, counts: GUESSES.has(reason), retryAfterMs }
}

/** @param live the sessions that have the user's places. */
export function refuseSession(live: readonly Session[]): Refusal {
  const places = placesOfSessions(live, (gateway, time) => `${gateway}, since ${time}`)
  return {
    ...refuse('too_many_sessions', `the user has as many sessions as permitted (${live.length}): ${places}`),
    live,
  }
}
