import type { Attempt } from '../domain/attempt.ts'
import type { Policy } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type BackgroundOptions, lookUp } from './background.ts'
import type { AskForCode, Decision } from './decision.ts'
import { type FirstFactorOptions, firstFactor } from './first-factor.ts'
import { admit, type Grant, type GrantOptions } from './grant.ts'
import { askAgain, type SecondFactorOptions, secondFactor } from './second-factor.ts'
import { chooseTerms } from './terms.ts'
import { type UnderLimitsOptions, underLimits } from './under-limits.ts'

export interface LoginOptions extends UnderLimitsOptions {
  readonly background: BackgroundOptions
  readonly firstFactor: FirstFactorOptions
  readonly secondFactor: SecondFactorOptions
  readonly policies: readonly Policy[]
  readonly grant: GrantOptions
}

/**
 * The way of a login. Points are taken before anything is checked; each step returns a refusal or the one value that
 * the next step takes.
 */
export function decide(attempt: Attempt, options: LoginOptions): Promise<Decision> {
  return underLimits(attempt, options, () => judge(attempt, options))
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
