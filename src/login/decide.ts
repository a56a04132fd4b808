import type { Attempt } from '../domain/attempt.ts'
import type { AttemptLimits } from '../domain/limits.ts'
import { Unavailable } from '../domain/person.ts'
import type { Policy } from '../domain/policy.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import { type BackgroundOptions, lookUp } from './background.ts'
import type { AskForCode, Decision } from './decision.ts'
import { type FirstFactorOptions, firstFactor } from './first-factor.ts'
import { admit, type Grant, type GrantOptions } from './grant.ts'
import { askAgain, type SecondFactorOptions, secondFactor } from './second-factor.ts'
import { noteInPassing, refusedByLimit, type SettleOptions, settle } from './settle.ts'
import { chooseTerms } from './terms.ts'

export interface LoginOptions {
  readonly limits: AttemptLimits
  readonly background: BackgroundOptions
  readonly firstFactor: FirstFactorOptions
  readonly secondFactor: SecondFactorOptions
  readonly policies: readonly Policy[]
  readonly grant: GrantOptions
  readonly settle: SettleOptions
}

/**
 * The way of a login. Points are taken before anything is checked; each step returns a refusal or the one value that
 * the next step takes; an outage anywhere is caught here, once, and is nobody's failed guess.
 */
export async function decide(attempt: Attempt, options: LoginOptions): Promise<Decision> {
  try {
    const { name, address, gateway } = attempt
    const permit = await options.limits.take({ user: name.stem, address, gateway })
    if (permit.kind === 'limited') return refusedByLimit(attempt, permit, options.settle)
    let verdict: Grant | AskForCode | Refusal
    try {
      verdict = await judge(attempt, options)
    } catch (outage) {
      await permit.withdrawn()
      throw outage
    }
    return await settle(attempt, permit, verdict, options.settle)
  } catch (outage) {
    return unavailable(attempt, outage, options.settle)
  }
}

async function judge(attempt: Attempt, options: LoginOptions): Promise<Grant | AskForCode | Refusal> {
  const background = await lookUp(attempt, options.background)
  if (background.kind === 'refusal') return background

  const user = await firstFactor(attempt, background, options.firstFactor)
  if (user.kind !== 'verified') return user

  const proof = secondFactor(attempt, background, user, options.secondFactor)
  if (proof.kind !== 'proof') return proof

  const terms = chooseTerms(attempt, proof, options.policies)
  if (terms.kind === 'refusal') return terms

  const grant = await admit(attempt, background, proof, terms, options.grant)
  // Spent by another login, or no recovery code at all: only the records could tell that the code was wrong.
  if (grant.kind === 'refusal' && grant.counts) return askAgain(attempt, user, grant, options.secondFactor)
  return grant
}

/** Whatever went wrong, the answer is no; what is no known outage is a fault of the broker and is logged as one. */
function unavailable(attempt: Attempt, error: unknown, options: SettleOptions): Refusal {
  const known = error instanceof Unavailable
  const detail = known ? error.message : 'internal error'
  if (!known) options.log.error('login.fault', { attempt: attempt.id, error })
  noteInPassing(attempt, 'login.unavailable', { detail }, options)
  return refuse('unavailable', detail)
}
