import type { AuditEvent, AuditStore } from '../domain/audit.ts'
import type { Clock } from '../domain/clock.ts'
import type { Randomness } from '../domain/random.ts'

/** Who does something, and why: every write takes one. */
export interface Deed {
  /** `alice (web)`, `monitoring (token)`; absent where users do something for themselves. */
  readonly actor?: string
  /** In the actor's own words. */
  readonly reason?: string
  /** From where it was asked. */
  readonly address?: string
}

export interface WitnessOptions {
  readonly audit: Pick<AuditStore, 'append'>
  readonly clock: Clock
  readonly random: Randomness
}

/** Writes down what was done, by whom and why. */
export async function witness(
  { actor, reason, address }: Deed,
  { detail, ...what }: Pick<AuditEvent, 'kind' | 'user' | 'gateway' | 'reason' | 'detail'>,
  { audit, clock, random }: WitnessOptions,
): Promise<void> {
  const words = [detail, reason].filter((part) => part !== undefined).join(': ')
  await audit.append({
    id: random.id(),
    at: clock.now(),
    actor,
    address,
    ...what,
    ...(words !== '' && { detail: words }),
  })
}
