import type { Attempt } from '../domain/attempt.ts'
import type { Permit } from '../domain/limits.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { AskForCode, Challenge } from './ask-for-code.ts'
import { type BackgroundOptions, lookUp, withEnrolmentOf } from './background.ts'
import { type Effort, evenly } from './effort.ts'
import { type FirstFactorOptions, firstFactor } from './first-factor.ts'
import { admit, type Grant, type GrantOptions, grantAgain } from './grant.ts'
import type { Pace } from './pace.ts'
import { askAgain, type SecondFactorOptions, secondFactor } from './second-factor.ts'
import { noteInPassing } from './settle.ts'
import { chooseTerms, type TermsOptions } from './terms.ts'
import { type UnderLimitsOptions, underLimits } from './under-limits.ts'

export interface LoginOptions extends UnderLimitsOptions {
  readonly background: BackgroundOptions
  readonly firstFactor: FirstFactorOptions
  readonly secondFactor: SecondFactorOptions
  readonly terms: TermsOptions
  readonly grant: GrantOptions
  readonly pace: Pace
}

/** What a gateway is told of a login. */
export type Decision = Grant | Challenge | Refusal

/**
 * The way of a login. Points are taken before anything is checked; each step returns a refusal or the one value that
 * the next step takes.
 */
export function decide(attempt: Attempt, options: LoginOptions): Promise<Decision> {
  return underLimits(attempt, options, async (permit) => {
    const verdict = await judge(attempt, permit, options)
    return isSpent(verdict) ? ((await sameAsBefore(attempt, options)) ?? verdict) : verdict
  })
}

function judge(
  attempt: Attempt,
  permit: Permit,
  options: LoginOptions,
): Promise<Grant | AskForCode | Refusal> {
  const even = { pace: options.pace, checksPasswords: checksPasswords(options), permit }
  return evenly(attempt, even, (effort) => takeSteps(attempt, effort, options))
}

async function takeSteps(
  attempt: Attempt,
  effort: Effort,
  options: LoginOptions,
): Promise<Grant | AskForCode | Refusal> {
  const before = await lookUp(attempt, effort, options.background, checksPasswords(options))
  if (before.kind === 'refusal') return before

  const user = await firstFactor(attempt, before, effort, options.firstFactor)
  if (user.kind !== 'verified') return user
  effort.decidedAt = 'code'
  const background = await withEnrolmentOf(before, user.person.subject, options.background)

  const proof = secondFactor(attempt, background, user, options.secondFactor)
  if (proof.kind !== 'proof') return proof

  const terms = chooseTerms(attempt, proof, options.terms)
  if (terms.kind === 'refusal') return terms

  const grant = await admit(attempt, background, proof, terms, options.grant)
  // Spent by another login, or no recovery code at all: only the records could tell that the code was wrong.
  if (grant.kind === 'refusal' && grant.counts)
    return askAgain(attempt, background, user, grant, options.secondFactor)
  return grant
}

function checksPasswords({ firstFactor: { mode } }: LoginOptions): boolean {
  return mode !== 'only'
}

/** Whether what was shown would have been right, had it not been shown before. */
function isSpent(verdict: Grant | AskForCode | Refusal): boolean {
  const refusal = verdict.kind === 'ask' ? verdict.failure : verdict
  return (
    refusal?.kind === 'refusal' && (refusal.reason === 'code_used' || refusal.reason === 'challenge_expired')
  )
}

async function sameAsBefore(attempt: Attempt, options: LoginOptions): Promise<Grant | undefined> {
  const grant = await grantAgain(attempt, options.grant)
  if (grant !== undefined) {
    const detail = `the same answer again: session ${grant.session}`
    noteInPassing(attempt, 'login.accepted', { detail }, options.settle)
  }
  return grant
}
