import type { AuditEvent, AuditKind } from './audit.ts'
import type { Clock } from './clock.ts'
import type { LoginName } from './login-name.ts'
import type { Randomness } from './random.ts'
import type { Secret } from './secret.ts'

/** How long a request is known, in milliseconds: three of radcli's retransmits. */
export const REQUEST_KNOWN_MS = 30_000

/** One Access-Request that is known to be authentic, in the broker's own terms. */
export interface LoginAttempt {
  /** Identifies the attempt in the audit trail and the log. */
  readonly id: string
  readonly name: LoginName
  /** Typed into the prompt: a password, a password with a code, or a code. May be empty. */
  readonly typed: Secret
  /** The configured name of the gateway that asked. */
  readonly gateway: string
  /** The user's own address (Calling-Station-Id), canonical; absent if the gateway sent none. */
  readonly address?: string
  /**
   * Tells the request from every other for `REQUEST_KNOWN_MS`, whatever port and identifier it came with; absent where
   * it did not come over RADIUS.
   */
  readonly request?: string
  /** The State of the challenge that it answers. */
  readonly state?: string
  /** What tells the browser from others, where a passkey answers: `PasskeyUse.browser`. */
  readonly browser?: string
  /** Acct-Session-Id of the session to come; ocserv sends it from 1.5.1. */
  readonly session?: string
  /** The client's own description (Connect-Info). */
  readonly client?: string
  /** Monotonic milliseconds by which the gateway gets an answer. */
  readonly deadline: number
  /** Aborted when the gateway was answered before there was a decision. */
  readonly signal?: AbortSignal
}

/** The attempt as an audit event. */
export function eventOf(
  attempt: LoginAttempt,
  kind: AuditKind,
  { reason, detail, clue }: Pick<AuditEvent, 'reason' | 'detail' | 'clue'>,
  { clock, random }: { readonly clock: Clock; readonly random: Randomness },
): AuditEvent {
  const { name, address, gateway } = attempt
  return {
    id: random.id(),
    at: clock.now(),
    kind,
    user: name.username,
    address,
    gateway,
    reason,
    detail,
    clue,
    attempt: attempt.id,
  }
}
