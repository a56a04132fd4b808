import type { Kept, LimitReached, RateName, RepeatedRequest } from '../domain/attempt-limits.ts'
import type { DirectoryCause } from '../domain/directory-lockout.ts'
import type { Rate } from '../domain/duration.ts'
import type { FailureBudget } from '../domain/lockout.ts'
import type { WiderBits } from '../domain/network.ts'

/**
 * The windows of rates. Those of wider networks, `user` and `user_anywhere` are shared by strangers: attempts from a
 * known address of the user that find one of them full count under `user_known` in their place.
 */
export type WindowName = RateName | `address_${WiderBits}` | 'user_known' | 'user_anywhere'

/** The rate that each window belongs to. */
const RATE_OF: Readonly<Record<WindowName, RateName>> = {
  gateway: 'gateway',
  address_48: 'address',
  address_56: 'address',
  address: 'address',
  user: 'user',
  user_known: 'user',
  user_anywhere: 'user_address',
  user_address: 'user_address',
}

/** The budgets whose end brings about a lockout: of logins, or of a directory's account. */
export type BudgetName = FailureBudget | DirectoryCause

/** A budget that is not by the rules of the configuration's lockouts. */
interface OwnBudget {
  /** Budgets of one kind count apart from others, and both of a directory's account count the same guesses. */
  readonly of: string
  readonly points: number
  /** Milliseconds for which a failed guess counts. */
  readonly withinMs: number
  /** Whether the attempt counts here and is let through. */
  readonly isOpen: boolean
  /** What somebody else counts, and as of how many milliseconds ago; failures here since then come on top. */
  readonly others?: { readonly points: number; readonly counted: number; readonly agoMs: number }
}

export interface Budget {
  readonly name: BudgetName
  readonly key: string
  readonly own?: OwnBudget
}

/** The keys that one attempt counts under, in the order in which they are checked. */
export interface CounterKeys {
  /** Unique to the attempt and begins with its `ProcessId`, so that a refund can be repeated and works once. */
  readonly id: string
  /** As `accountKey`; set when the attempt is settled. */
  account?: string
  /** The request that may be counted once; absent where the attempt has none. */
  readonly request?: string
  readonly rates: readonly { readonly name: WindowName; readonly key: string }[]
  /** A budget bounds the guesses that are in flight or failed. */
  readonly budgets: readonly Budget[]
}

/** A failed guess as it is counted: its attempt, which holds no blank, and its account. */
export function failureId({ id, account = '' }: CounterKeys): string {
  return `${id} ${account}`
}

export function isFailureOf(failure: string, account = ''): boolean {
  return failure.slice(failure.indexOf(' ') + 1) === account
}

/** What is shared by strangers, and what an attempt from a known address does not count under when it is full. */
export const SHARED_BY_STRANGERS = {
  rates: ['address_48', 'address_56', 'user', 'user_anywhere'] as readonly WindowName[],
  budgets: ['address_48', 'address_56', 'user'] as readonly BudgetName[],
}

/** What makes a budget full. */
export interface GuessesReached {
  readonly failed: number
  /** Only guesses in flight are in the way. */
  readonly isBusy: boolean
  /** Only guesses are in the way that failed after somebody else was asked for a count, and may be in that count. */
  readonly isOutdated: boolean
}

/** The limit that is full, by its own name. */
export interface WindowFull extends LimitReached {
  readonly window: WindowName | BudgetName
  readonly guesses?: GuessesReached
}

export function rateReached(window: WindowName, retryAfterMs: number, first: boolean): WindowFull {
  return { kind: 'limited', by: RATE_OF[window], window, retryAfterMs, first }
}

export function budgetReached(
  window: BudgetName,
  retryAfterMs: number,
  first: boolean,
  guesses: GuessesReached,
): WindowFull {
  return { kind: 'limited', by: 'guesses', window, retryAfterMs, first, guesses }
}

export function isForStrangers({ by, window }: WindowFull): boolean {
  const { rates, budgets } = SHARED_BY_STRANGERS
  const shared: readonly string[] = by === 'guesses' ? budgets : rates
  return shared.includes(window)
}

/** The windows in which a refunded attempt counts no more. */
export function windowsLeft({ rates }: CounterKeys, kept: readonly Kept[]): CounterKeys['rates'] {
  return rates.filter(({ name }) => !kept.includes(RATE_OF[name]))
}

export interface CounterRules {
  readonly rates: Readonly<Record<WindowName, Rate>>
  /** Among how many counters the points of an `OwnBudget` are divided (1). */
  readonly shares?: number
  /** Guesses that each budget holds. */
  readonly budgets: Readonly<Record<FailureBudget, number>>
  /** Milliseconds for which a failed guess counts. */
  readonly withinMs: number
  /** Milliseconds after which a guess in flight whose outcome was never reported counts no more. */
  readonly inFlightMs: number
  /** Milliseconds for which a request that was counted is known. */
  readonly requestMs: number
  /** Milliseconds after which a tally that nobody ended restarts at one: the process that had to end it is gone. */
  readonly tallyMs: number
}

/**
 * Counts attempts in sliding windows: within any window there are never more than the limit. Each method is atomic.
 * Every method may throw `Unavailable`.
 */
export interface AttemptCounter {
  /** Counts the attempt under all of its keys, or under none of them if one is full or the request was counted before. */
  take(keys: CounterKeys): Promise<WindowFull | RepeatedRequest | undefined>
  /** Stops counting the attempt, except under what is in `kept`; forgets the failures of the `forgiven` budgets of the same account. */
  refund(keys: CounterKeys, forgiven: readonly BudgetName[], kept?: readonly Kept[]): Promise<void>
  /** Turns the guess in flight into a failed one. @returns the budgets that are spent on failures alone. */
  fail(keys: CounterKeys): Promise<readonly BudgetName[]>
  /** Forgets all failures of these budgets. */
  forget(keys: CounterKeys, budgets: readonly BudgetName[]): Promise<void>
  /** As `Tally.add`; it ends by itself after `CounterRules.tallyMs`. */
  addTally(key: string): Promise<number>
  /** As `Tally.end`. */
  endTally(key: string): Promise<number>
}

/** A counter that several processes share and that outlives each of them; it may be unreachable. */
export interface SharedAttemptCounter extends AttemptCounter {
  /** @param agoMs how long ago the refund was due: failures since then are not forgiven (0). */
  refund(
    keys: CounterKeys,
    forgiven: readonly BudgetName[],
    kept?: readonly Kept[],
    agoMs?: number,
  ): Promise<void>
  /** @param agoMs as for `refund`. */
  forget(keys: CounterKeys, budgets: readonly BudgetName[], agoMs?: number): Promise<void>
  /**
   * These processes have ended: their guesses in flight hold no budget any more, and their requests may be
   * taken again. Failures and rates go on counting.
   */
  endProcesses(names: readonly string[]): Promise<void>
}
