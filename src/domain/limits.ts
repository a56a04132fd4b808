import type { LockoutScope } from './lockout.ts'

/** Whose budgets an attempt draws on. */
export interface Guesser {
  readonly user: string
  readonly address?: string
  readonly gateway: string
}

/** A rate bounds how many attempts may begin within any window of its length. */
export type RateName = 'gateway' | 'address' | 'user'

export const RATES: readonly RateName[] = ['gateway', 'address', 'user']

export interface LimitReached {
  readonly kind: 'limited'
  /** `guesses` is the budget of failures that ends in a lockout. */
  readonly by: RateName | 'guesses'
  readonly retryAfterMs: number
  /** False for all but the first refusal of a key within its window, so that a flood writes one event. */
  readonly first: boolean
}

/** Points that were taken before the check. Exactly one of `succeeded`, `withdrawn` and `failed` must be called, once, when the check is done. */
export interface Permit {
  readonly kind: 'permit'
  /** Of this attempt alone. */
  readonly id: string
  /**
   * It was no guess, which is known before its refusal may go out: what it holds of its user and of the budgets is given
   * back at once. It goes on counting in the other rates, so that the work that follows stays bounded; `withdrawn` ends
   * that.
   */
  spareUser(): Promise<void>
  /** The login succeeded: points back, failures of this user forgotten. */
  succeeded(): Promise<void>
  /**
   * Neither success nor a failed guess (a challenge was sent, or something was unavailable): no budget is charged.
   * @param kept the rates that go on counting the attempt; the others give their points back.
   */
  withdrawn(kept?: readonly RateName[]): Promise<void>
  /**
   * A failed guess: the points stay spent. `record` is told the scopes whose failures are now full and makes their
   * lockouts; only when it has, new budgets begin, so that no guess slips in between the two.
   */
  failed<T>(record: (full: readonly LockoutScope[]) => Promise<T>): Promise<T>
}

/** Limits on guessing: points are consumed before a check, so that parallel guesses cannot overtake the count. */
export interface AttemptLimits {
  /** @throws Unavailable */
  take(guesser: Guesser): Promise<Permit | LimitReached>
  /**
   * A prompt that was withdrawn but for a rate is answered: the answer counts in its place, so that a whole login is
   * one attempt. @param id of the prompt's permit.
   */
  answered(guesser: Guesser, id: string): Promise<void>
}
