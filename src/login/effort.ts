import type { Attempt } from '../domain/attempt.ts'
import type { Permit } from '../domain/limits.ts'
import { type Candidate, type IdentityStore, Unavailable } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Pace } from './pace.ts'

/** What a login has cost so far: noted on its way, so that a refusal can be made to cost what every other one does. */
export class Effort {
  /** As `Pace.start` says. */
  readonly begun: number
  /** Who would be asked about the name. */
  candidates: readonly Candidate[] = []
  /** Which of them has checked the password. */
  checkedBy: IdentityStore | undefined
  /** Where it was decided: an identity store's name, `everybody`, `locked`, `code`; a handful in all. */
  decidedAt = 'nobody'

  constructor(begun: number) {
    this.begun = begun
  }
}

export interface EvenOptions {
  readonly pace: Pick<Pace, 'start' | 'hold'>
  /** Whether a password is checked here, so that a check has to be played where none was made. */
  readonly checksPasswords: boolean
  readonly permit: Pick<Permit, 'spareUser'>
}

/**
 * Takes the steps of a login. A refusal is made to cost what every other one does, in work, so that many guesses at
 * once tell no more than one does, and in time: whether a name exists, in which store, locked or not, and whether it
 * was the password or the code behind it that was wrong.
 */
export async function evenly<Success extends { readonly kind: string }>(
  attempt: Attempt,
  { pace, checksPasswords, permit }: EvenOptions,
  steps: (effort: Effort) => Promise<Success | Refusal>,
): Promise<Success | Refusal> {
  const effort = new Effort(pace.start())
  const verdict = await steps(effort)
  // An answer to a challenge comes after a right password: there is nothing left to hide.
  if (!isRefusal(verdict) || attempt.state !== undefined) return verdict
  // A lock refuses strangers by the dozen: while that is made to take its time, none of them may be in the user's way.
  if (!verdict.counts) await permit.spareUser()
  const evened = checksPasswords ? await playChecks(attempt, verdict, effort) : verdict
  await pace.hold(effort.decidedAt, effort.begun)
  return evened
}

function isRefusal(verdict: { readonly kind: string } | Refusal): verdict is Refusal {
  return verdict.kind === 'refusal'
}

/** Work for work what the stores would have had that have not checked the password. */
async function playChecks(
  { typed }: Attempt,
  refusal: Refusal,
  { candidates, checkedBy }: Effort,
): Promise<Refusal> {
  try {
    for (const { store } of candidates) if (store !== checkedBy) await store.pretend?.(typed)
    return refusal
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    // As it is told where a check was wanted and there was no room for it. The guess was wrong all the same.
    return { ...refuse('unavailable', `${refusal.detail}; ${error.message}`), counts: refusal.counts }
  }
}
