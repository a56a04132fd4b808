import type { AuditEvent, AuditStore } from '../domain/audit.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { Runtime } from '../domain/runtime.ts'

/** Who makes a change, and why: every change takes one. */
export interface AuditContext {
  /** `alice (web)`, `monitoring (token)`; absent where users change something of their own. */
  readonly actor?: string
  /** In the actor's own words. */
  readonly reason?: string
  /** The address that the request came from. */
  readonly address?: string
}

export interface RecordAuditOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly audit: Pick<AuditStore, 'append'>
}

/** The audit trail is kept by username. A realm, which tells namesakes apart, stands in the whole name. */
export function byUsername<Event extends Pick<AuditEvent, 'user'>>(
  event: Event,
): Event & Pick<AuditEvent, 'name'> {
  const { user: name } = event
  const user = name === undefined ? undefined : usernameOf(name)
  return user === name ? event : { ...event, user, name }
}

/** Records what was done, by whom and why. */
export async function recordAudit(
  context: AuditContext,
  event: Pick<AuditEvent, 'kind' | 'user' | 'gateway' | 'reason' | 'detail'>,
  { audit, ...runtime }: RecordAuditOptions,
): Promise<void> {
  await audit.append(auditEvent(context, event, runtime))
}

/** What was done, by whom and why, for somebody who writes it with the change itself. */
export function auditEvent(
  { actor, reason, address }: AuditContext,
  event: Pick<AuditEvent, 'kind' | 'user' | 'gateway' | 'reason' | 'detail'>,
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
): AuditEvent {
  const { detail, ...what } = byUsername(event)
  const words = [detail, reason].filter((part) => part !== undefined).join(': ')
  return {
    id: random.id(),
    at: clock.now(),
    actor,
    address,
    ...what,
    detail: words || undefined,
  }
}
