import type { Lockout, LockoutScope } from './lockout.ts'

/** Where a lockout stands at a moment. */
export type LockoutState = 'in_force' | 'ended' | 'released'

export interface LockoutSearch {
  /** Stem. */
  readonly user?: string
  /** Finds what covers it. */
  readonly address?: string
  readonly gateway?: string
  readonly scope?: LockoutScope
  readonly state?: LockoutState
  /** The moment by which states are told, in wall milliseconds. */
  readonly now: number
  /** Began at this moment or later. */
  readonly since?: number
  /** Began earlier than this. */
  readonly before?: number
  readonly order: 'newest' | 'oldest'
  /** Identifier of the last lockout of the page before. */
  readonly after?: string
  readonly limit: number
}

/** A lock that a person makes. */
export interface HandMadeLock {
  readonly id: string
  readonly scope: LockoutScope
  readonly user?: string
  /** As `Lockout.address`. */
  readonly address?: string
  readonly reason: string
  readonly by: string
  /** Wall milliseconds. */
  readonly since: number
  /** Absent: until somebody releases it. */
  readonly until?: number
}

/** What people do with lockouts; each method is one transaction that writes its own audit events. */
export interface LockoutDesk {
  /** By the time at which they began. */
  search(search: LockoutSearch): Promise<readonly Lockout[]>
  find(id: string): Promise<Lockout | undefined>
  /** Lockouts in force, counted no further than `atMost`. */
  countInForce(now: number, atMost: number): Promise<number>
  lock(lock: HandMadeLock): Promise<Lockout>
  /** Releases one; a user whom nothing locks any more begins a new count of failures. */
  release(
    id: string,
    by: string,
    reason: string,
    now: number,
  ): Promise<
    { readonly kind: 'released'; readonly lockout: Lockout } | { readonly kind: 'unknown' | 'not_in_force' }
  >
}
