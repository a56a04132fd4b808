import type { DirectoryAccount, DirectoryCause } from './directory-lockout.ts'
import type { FailureBudget } from './lockout.ts'

/** Whom an attempt counts against. */
export interface LimitSubject {
  readonly user: string
  readonly address?: string
  readonly gateway: string
}

/**
 * A rate bounds how many attempts may begin within any window of its length. That of `user_address`, a user at one
 * address, is where a prompt goes on counting, so that prompts elsewhere take nothing from the user's own rate.
 */
export type RateName = 'gateway' | 'address' | 'user' | 'user_address'

export const RATE_NAMES: readonly RateName[] = ['gateway', 'address', 'user', 'user_address']

/** What of an attempt can outlast a refund: a rate that it counts in, or that its request is known and not taken again. */
export type Kept = RateName | 'request'

export interface LimitReached {
  readonly kind: 'limited'
  /** `guesses` is the budget of failures that ends in a lockout. */
  readonly by: RateName | 'guesses'
  readonly retryAfterMs: number
  /** True for the first rejection of a key within its window, so that a flood writes one event. */
  readonly first: boolean
}

/** The same request was counted before, and is not counted again. */
export interface RepeatedRequest {
  readonly kind: 'repeated'
}

/** Points taken before the check. Call exactly one of `succeed`, `refund` and `fail`, once, when the check is done. */
export interface Permit {
  readonly kind: 'permit'
  /** Unique to this attempt. */
  readonly id: string
  /**
   * The attempt was no guess: refunds the user's rate and the budgets at once, before the delayed refusal goes out. The
   * other rates go on counting it, which bounds the work that follows, until `refund`.
   */
  releaseUser(): Promise<void>
  /**
   * The name that was typed is not the user's own: from here the attempt counts under `user`, and no longer under the
   * name. @param isKnown as for `take`. @returns the limit of that user that is reached: then it goes on counting under
   * the name.
   */
  identify(user: string, isKnown: () => Promise<boolean>): Promise<LimitReached | undefined>
  /**
   * The login succeeded: refunds the points and forgets the failures of the same account, so that `bob` of one
   * directory does not forgive guesses at `bob` of another. @param account as `accountKey`.
   */
  succeed(account?: string): Promise<void>
  /**
   * Neither success nor a failed guess (a challenge was sent, or something was unavailable): charges no budget.
   * @param kept the rates that go on counting the attempt, and `request` unless the gateway may send it again.
   */
  refund(kept?: readonly Kept[]): Promise<void>
  /**
   * A failed guess: the points stay spent. `record` gets the budgets that are now full and records their
   * lockouts; the budgets are reset only after that, so that no guess slips in between.
   * @param account as `accountKey`; absent where no identity provider knows the user.
   */
  fail<T>(record: (full: readonly FailureBudget[]) => Promise<T>, account?: string): Promise<T>
}

/** A password that is about to be sent to a directory which locks accounts after wrong ones. */
export interface DirectoryTry extends DirectoryAccount {
  /** With another one the count restarts: the user has a new password, or somebody has released the account. */
  readonly generation: string
  /** Milliseconds for which the directory counts a wrong password. */
  readonly withinMs: number
  /** Wrong passwords that addresses not known may try, and all that may be tried. */
  readonly share: number
  readonly most: number
  /** Whether the login comes from an address that is known, for which the last tries are kept. */
  readonly isKnown: boolean
  /** Whether somebody has released the account: then only the directory's own count keeps tries for known addresses. */
  readonly isReleased: boolean
  /** The directory's own count, and how many milliseconds ago that was asked for. */
  readonly others?: { readonly counted: number; readonly agoMs: number }
}

/** The password may be sent; it counts until it is known to be right. Call exactly one of the methods, once. */
export interface DirectoryPermit {
  readonly kind: 'permit'
  /** The directory forgets wrong passwords, and so does this. */
  right(): Promise<void>
  /** Also where no answer came: the directory may have counted it. @returns what is used up now. */
  wrong(): Promise<readonly DirectoryCause[]>
  /** The password was not sent. */
  refund(): Promise<void>
}

export interface DirectoryFull {
  readonly kind: 'full'
  readonly cause: DirectoryCause
  /** Wrong passwords that are counted. */
  readonly failed: number
  /** Whether only passwords without an answer yet are in the way. */
  readonly isBusy: boolean
  /** Whether it is full only if the directory's count holds none of what was sent since: it has to be asked for again. */
  readonly isOutdated: boolean
  readonly retryAfterMs: number
}

/** Limits on guessing: points are consumed before a check, so that parallel guesses cannot overtake the count. */
export interface AttemptLimits {
  /**
   * @param request as `LoginAttempt.request`.
   * @param isKnown whether the address is a known one of the user; asked only if the limits of strangers are reached.
   * @throws Unavailable
   */
  take(
    subject: LimitSubject,
    request?: string,
    isKnown?: () => Promise<boolean>,
  ): Promise<Permit | LimitReached | RepeatedRequest>
  /** Of any number of passwords at a moment, over all workers and brokers, no more are sent than are left. @throws Unavailable */
  takeDirectory(attempt: DirectoryTry): Promise<DirectoryPermit | DirectoryFull>
  /**
   * Refunds a prompt that still counts at its user and address: its answer counts in its place, so a whole login is one attempt.
   * @param id of the prompt's permit.
   */
  promptAnswered(subject: LimitSubject, id: string): Promise<void>
  readonly tally: Tally
}

/** Counts what is told once and not each time, wherever it happens. Every method may throw `Unavailable`. */
export interface Tally {
  /** @returns how often it was counted since its last end, this time included; 1: the caller has to end it. */
  add(key: string): Promise<number>
  /** @returns how often it was counted. The next time is the first again. */
  end(key: string): Promise<number>
}
