import type { Rate } from '../domain/duration.ts'
import type { LimitReached, RateName } from '../domain/limits.ts'
import type { LockoutScope } from '../domain/lockout.ts'

/** Under which keys one attempt counts, in the order in which they are looked at. */
export interface Counted {
  /**
   * Of this attempt alone, and of its `Run`: what is counted can be taken back however often it is asked, and once
   * only.
   */
  readonly id: string
  readonly rates: readonly { readonly name: RateName; readonly key: string }[]
  /** A budget bounds the guesses that are in flight or failed. */
  readonly budgets: readonly { readonly scope: LockoutScope; readonly key: string }[]
}

export interface TallyRules {
  readonly rates: Readonly<Record<RateName, Rate>>
  /** Guesses that each budget holds. */
  readonly budgets: Readonly<Record<LockoutScope, number>>
  /** Milliseconds for which a failed guess counts. */
  readonly withinMs: number
  /** Milliseconds for which a guess in flight counts whose end nobody told. */
  readonly heldMs: number
}

/**
 * Counts attempts in windows that slide: at no moment are there more than the limit within the window that ends there.
 * Each method is one step that nothing comes between. Every method may throw `Unavailable`.
 */
export interface Tally {
  /** Counts the attempt under all of its keys; or under none of them, where one is full. */
  take(counted: Counted): Promise<LimitReached | undefined>
  /** The attempt counts no more, but under the rates that are kept; nor do the failures of the scopes that are forgiven. */
  giveBack(counted: Counted, forgiven: readonly LockoutScope[], kept?: readonly RateName[]): Promise<void>
  /** The guess in flight is a failed one now. @returns the scopes whose budgets are spent on failures alone. */
  fail(counted: Counted): Promise<readonly LockoutScope[]>
  /** Failures of these scopes count no more. */
  forget(counted: Counted, scopes: readonly LockoutScope[]): Promise<void>
}

/** A tally that outlives the processes that count in it, and may be away when one of them settles an attempt. */
export interface SharedTally extends Tally {
  /** @param agoMs how long ago this was to be done: failures since then are not forgiven (0). */
  giveBack(
    counted: Counted,
    forgiven: readonly LockoutScope[],
    kept?: readonly RateName[],
    agoMs?: number,
  ): Promise<void>
  /** @param agoMs as for `giveBack`. */
  forget(counted: Counted, scopes: readonly LockoutScope[], agoMs?: number): Promise<void>
  /**
   * The processes of these runs have ended, so what they had in flight was never answered and holds no budget any
   * more. Their failures go on counting, and so do their attempts in the rates.
   */
  end(runs: readonly string[]): Promise<void>
}
