import type { Lockout } from './lockout.ts'

/**
 * What speaks for or against a release, as the records had it when the lockout was made; the probably honest first.
 * `known_place`: the user was let in lately from every address that failed.
 */
export const LOCKOUT_HINTS = ['known_place', 'new_place', 'password_known', 'by_hand', 'guessing'] as const

export type LockoutHint = (typeof LOCKOUT_HINTS)[number]

/** What the failures before a lockout were like. */
export interface FailurePattern {
  /** Addresses that failed and from which the user was not let in lately, counted up to `MANY_ADDRESSES`. */
  readonly strangers: number
  /** User names that failed at the lockout's address, counted up to `MANY_NAMES`. */
  readonly names: number
}

/** One user does not fail from this many new addresses. */
export const MANY_ADDRESSES = 4
/** Several users may share an address, but rarely with one who has never been there. */
export const MANY_NAMES = 3

export function hintOf(
  { cause, scope }: Pick<Lockout, 'cause' | 'scope'>,
  { strangers, names }: FailurePattern,
): LockoutHint {
  if (cause === 'by_hand' || cause === 'password_known') return cause
  if (scope === 'address' || strangers >= MANY_ADDRESSES) return 'guessing'
  if (strangers === 0) return 'known_place'
  return names >= MANY_NAMES ? 'guessing' : 'new_place'
}
