import type { AuditEvent, AuditKind } from './audit.ts'
import type { Clock } from './clock.ts'
import type { LoginName } from './login-name.ts'
import type { Randomness } from './random.ts'
import type { Secret } from './secret.ts'

/** One Access-Request that is known to be authentic, in the broker's own terms. */
export interface Attempt {
  /** Names this try in the audit trail and the log. */
  readonly id: string
  readonly name: LoginName
  /** What was typed into the prompt: a password, a password with a code appended, or a code. May be empty. */
  readonly typed: Secret
  /** The configured name of the gateway that asked. */
  readonly gateway: string
  /** The user's own address (Calling-Station-Id), canonical; absent where the gateway sent none. */
  readonly address?: string
  /** The State of the challenge that this answers. */
  readonly state?: string
  /** Acct-Session-Id of the session to come; ocserv sends it from 1.5.1. */
  readonly session?: string
  /** The client's own description (Connect-Info). */
  readonly client?: string
  /** Monotonic milliseconds after which the gateway is answered without waiting further. */
  readonly deadline: number
}

/** The attempt as a line of the audit trail. */
export function eventOf(
  attempt: Attempt,
  kind: AuditKind,
  { reason, detail }: Pick<AuditEvent, 'reason' | 'detail'>,
  { clock, random }: { readonly clock: Clock; readonly random: Randomness },
): AuditEvent {
  const { name, address, gateway } = attempt
  return { id: random.id(), at: clock.now(), kind, user: name.stem, address, gateway, reason, detail }
}
