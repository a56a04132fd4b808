import type { Attempt } from '../domain/attempt.ts'
import { type AttemptLimits, type Permit, RATES } from '../domain/limits.ts'
import { Unavailable } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { AskForCode, Challenge } from './ask-for-code.ts'
import type { Grant } from './grant.ts'
import { noteInPassing, refusedByLimit, type SettleOptions, settle } from './settle.ts'
import type { SignedIn } from './signed-in.ts'

export interface UnderLimitsOptions {
  readonly limits: AttemptLimits
  readonly settle: SettleOptions
}

/**
 * Points are taken before anything is checked and settled by the verdict; an outage anywhere is caught here, once, and
 * is nobody's failed guess.
 */
export async function underLimits<Success extends Grant | SignedIn>(
  attempt: Attempt,
  options: UnderLimitsOptions,
  judge: (permit: Permit) => Promise<Success | AskForCode | Refusal>,
): Promise<Success | Challenge | Refusal> {
  try {
    const { name, address, gateway } = attempt
    const permit = await options.limits.take({ user: name.stem, address, gateway })
    if (permit.kind === 'limited') return refusedByLimit(attempt, permit, options.settle)
    let verdict: Success | AskForCode | Refusal
    try {
      verdict = await judge(permit)
    } catch (outage) {
      await permit.withdrawn(isUnanswered(outage) ? RATES : [])
      throw outage
    }
    return await settle(attempt, permit, verdict, options.settle)
  } catch (outage) {
    return unavailable(attempt, outage, options.settle)
  }
}

/** It may have been a wrong guess whose answer came too late: it locks nobody, but goes on counting in the rates. */
function isUnanswered(outage: unknown): boolean {
  return outage instanceof Unavailable && outage.passwordSent
}

/** Whatever went wrong, the answer is no; what is no known outage is a fault of the broker and is logged as one. */
function unavailable(attempt: Attempt, error: unknown, options: SettleOptions): Refusal {
  const known = error instanceof Unavailable
  const detail = known ? error.message : 'internal error'
  if (!known) options.log.error('login.fault', { attempt: attempt.id, error })
  noteInPassing(attempt, 'login.unavailable', { detail }, options)
  return refuse('unavailable', detail)
}
