import type { DirectoryCause } from './directory-lockout.ts'
import type { LockoutHint } from './lockout-hint.ts'
import { isWiderNetwork, type WiderBits } from './network.ts'

/**
 * What a lockout covers. Guesses from one address lock that user from that address first, so that a stranger
 * cannot lock a user out everywhere; guesses from many addresses lock the user; an address that fails over
 * many users is locked by itself.
 */
export type LockoutScope = 'user_address' | 'user' | 'address'

/** What failures fill until it is locked: a scope, or for addresses also a wider network around the one that failed. */
export type FailureBudget = LockoutScope | `address_${WiderBits}`

/** `password_known`: so many wrong codes followed the right password that somebody else must know it. */
export type LockoutCause = 'failures' | 'hard_limit' | 'password_known' | 'by_hand' | DirectoryCause

/** Times are wall milliseconds since the epoch. */
export interface Lockout {
  readonly id: string
  readonly scope: LockoutScope
  readonly cause: LockoutCause
  /** The canonical username; absent for the scope `address`. */
  readonly user?: string
  /** The whole name of the user that it came of, where that is another; it covers everybody of the username. */
  readonly name?: string
  /** The user's own address, or for IPv6 one of `networksAround`; absent for the scope `user`. */
  readonly address?: string
  /** The identity provider whose own lock it prevents, and the subject there: it covers no namesake elsewhere. */
  readonly source?: string
  readonly subject?: string
  /** The gateway of the failure that caused it. */
  readonly gateway?: string
  /** What speaks for or against a release; judged when it was made. */
  readonly hint: LockoutHint
  /** For people: what happened, in one line. */
  readonly reason: string
  readonly since: number
  /** Absent: until it is released. */
  readonly until?: number
  readonly releasedAt?: number
  readonly releasedBy?: string
  readonly releaseReason?: string
}

export interface LockoutRules {
  /** Failures of one user from one address within `withinMs` that lock that pair. */
  readonly after: number
  /** Failures of one user from all addresses within `withinMs` that lock the user. */
  readonly userAfter: number
  /** Failures of one address over all users within `withinMs` that lock the address. */
  readonly addressAfter: number
  readonly withinMs: number
  /** How long the first lockout lasts; each further one within `ESCALATION_MEMORY_MS` lasts twice as long. */
  readonly forMs: number
  readonly upToMs: number
  /**
   * Failures of one user in a row after which only a person can end the lockout (NIST SP 800-63B-4 §3.2.2). Counted
   * apart: wrong passwords from addresses that are not known, all failures from each known address, and wrong codes.
   */
  readonly hardAfter: number
}

/** Lockouts that one transaction releases. */
export const MAX_RELEASED = 200

/** How long an ended lockout still makes the next one longer. */
export const ESCALATION_MEMORY_MS = 24 * 3_600_000

/** Milliseconds of a lockout that follows `earlier` others of the same scope and key. */
export function lockoutDuration(rules: Pick<LockoutRules, 'forMs' | 'upToMs'>, earlier: number): number {
  return Math.min(rules.upToMs, rules.forMs * 2 ** Math.min(earlier, 30))
}

/** How long an address stays known after a successful login from it. */
export const ADDRESS_KNOWN_MS = 30 * 24 * 3_600_000

/** What may exempt a login from lockouts. */
export interface LockoutExemption {
  /** Whether the user was let in from this address lately: an attacker elsewhere cannot lock the user out here. */
  readonly isKnown: boolean
  /** Whether the address is in a network in which failures lock nobody. */
  readonly isExempt: boolean
}

/**
 * A known address is exempt from the lockouts of the user and of wider networks, which an attacker elsewhere may have
 * caused; an exempt network from those that end by themselves. Manual lockouts block everywhere, and so does one without
 * which the directory would lock the account itself.
 */
export function blocks(
  { cause, scope, address = '' }: Pick<Lockout, 'cause' | 'scope' | 'address'>,
  { isKnown, isExempt }: LockoutExemption,
): boolean {
  if (cause === 'by_hand' || cause === 'directory_full') return true
  if (isKnown && (scope === 'user' || (scope === 'address' && isWiderNetwork(address)))) return false
  return !isExempt || cause === 'hard_limit' || cause === 'password_known'
}

export function isInForce(lockout: Lockout, now: number): boolean {
  return lockout.releasedAt === undefined && (lockout.until === undefined || lockout.until > now)
}

/** The state of a lockout at a given time. */
export type LockoutState = 'in_force' | 'ended' | 'released'

export interface LockoutSearch {
  /** Only of users who are in one of these groups, as far as the records know; absent: of all. */
  readonly over?: readonly string[]
  /** Canonical user name. */
  readonly user?: string
  /** Finds lockouts that cover this address. */
  readonly address?: string
  readonly gateway?: string
  readonly scope?: LockoutScope
  readonly hint?: LockoutHint
  /** The state at a time in wall milliseconds. */
  readonly standing?: { readonly state: LockoutState; readonly at: number }
  /** Began at this time or later. */
  readonly since?: number
  /** Began earlier than this. */
  readonly before?: number
  /**
   * By the time at which they began; `last_ended`: by their end; `name`, `first_ending`: of those in force by the name
   * that they show, or by their end, the next one first. Absent: newest first.
   */
  readonly order?: 'newest' | 'oldest' | 'last_ended' | 'name' | 'first_ending'
  /** Identifier of the last lockout of the page before. */
  readonly after?: string
  readonly limit: number
}

/** A lockout that an operator makes. */
export interface ManualLockout {
  readonly id: string
  readonly scope: LockoutScope
  readonly user?: string
  readonly name?: string
  /** As `Lockout.address`. */
  readonly address?: string
  readonly reason: string
  readonly by: string
  /** Wall milliseconds. */
  readonly since: number
  /** Absent: until it is released. */
  readonly until?: number
}

/** Each method is one transaction that writes its own audit events. */
export interface LockoutStore {
  /** Ordered by the time at which they began. */
  list(search: LockoutSearch): Promise<readonly Lockout[]>
  find(id: string): Promise<Lockout | undefined>
  /** Counts lockouts in force, up to `atMost`. @param over as of `LockoutSearch`. */
  countInForce(now: number, atMost: number, over?: readonly string[]): Promise<number>
  /** Counts those in force by hint, each up to `atMost`. @param search narrows them down. */
  countByHint(
    search: Pick<LockoutSearch, 'over' | 'user' | 'address' | 'gateway'>,
    now: number,
    atMost: number,
  ): Promise<Readonly<Record<LockoutHint, number>>>
  lock(lock: ManualLockout): Promise<Lockout>
  /** Releases every lockout in force that names the user, and takes the user's failures back. @returns those released. */
  releaseUser(user: string, by: string, reason: string, now: number): Promise<readonly Lockout[]>
  /**
   * Releases those of these that are in force, at most `MAX_RELEASED` at a time. The failures of each user are taken back
   * as by `release`. @returns those released.
   */
  releaseAll(ids: readonly string[], by: string, reason: string, now: number): Promise<readonly Lockout[]>
  /** Releases one. The user's failures are taken back if it came of a hard limit, or no other lockout is left. */
  release(
    id: string,
    by: string,
    reason: string,
    now: number,
  ): Promise<
    { readonly kind: 'released'; readonly lockout: Lockout } | { readonly kind: 'unknown' | 'not_in_force' }
  >
}
