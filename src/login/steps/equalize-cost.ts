import { Unavailable } from '../../domain/errors.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { Login } from '../login.ts'
import type { Verdict } from './record-outcome.ts'

/**
 * Makes every refusal but those of a locked name cost the same work, so that many guesses at once tell no more than one
 * does. Otherwise the cost would tell whether a name exists, in which store, and whether the password was wrong. Names
 * that exist nowhere are locked like others, so a lock tells nothing; a check for each login that it refuses would let a
 * few addresses keep all others waiting.
 */
export function equalizeCost(verdict: Verdict, login: Login): Verdict | Promise<Verdict> {
  // An answer to a challenge follows a right password: there is nothing left to hide.
  if (verdict.kind !== 'refusal' || login.attempt.state !== undefined) return verdict
  return equalize(verdict, login)
}

async function equalize(refusal: Refusal, login: Login): Promise<Refusal> {
  // A lock refuses strangers in numbers: while their checks wait, they must not use up the user's own points.
  if (!refusal.counts) await login.permit?.releaseUser()
  // A directory's account is locked by itself: a name that exists nowhere is not.
  const isLocked = refusal.reason === 'locked' && refusal.isUntold !== true
  return login.rules.checksPasswords && !isLocked ? runDummyChecks(refusal, login) : refusal
}

/** Runs a dummy check at each candidate that has not checked the password. */
async function runDummyChecks(refusal: Refusal, { candidates, checkedBy, attempt }: Login): Promise<Refusal> {
  try {
    for (const { store } of candidates) if (store !== checkedBy) await store.verifyDummy?.(attempt.typed)
    return refusal
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    // The same answer as where a real check found no room. The guess was wrong all the same.
    return { ...refuse('unavailable', `${refusal.detail}; ${error.message}`), counts: refusal.counts }
  }
}
