import { isWithin, type Network } from './network.ts'

/**
 * What a lockout covers. Guesses from one address lock that user from that address first, so that a stranger
 * cannot lock a user out everywhere; guesses from many addresses lock the user; an address that fails over
 * many users is locked by itself.
 */
export type LockoutScope = 'user_address' | 'user' | 'address'

export type LockoutCause = 'failures' | 'hard_limit' | 'by_hand'

/** Times are wall milliseconds since the epoch. */
export interface Lockout {
  readonly id: string
  readonly scope: LockoutScope
  readonly cause: LockoutCause
  /** The user's stem; absent for the scope `address`. */
  readonly user?: string
  /** The user's own address, of an IPv6 address its `customerNetwork`; absent for the scope `user`. */
  readonly address?: string
  /** The gateway of the failure that brought it about. */
  readonly gateway?: string
  /** For people: what happened, in one line. */
  readonly reason: string
  readonly since: number
  /** Absent: until somebody releases it. */
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
  /** Consecutive failures of one user after which only a person can let them in (NIST SP 800-63B §3.2.2). */
  readonly hardAfter: number
}

/** How long an ended lockout still makes the next one longer. */
export const ESCALATION_MEMORY_MS = 24 * 3_600_000

/** Milliseconds that a lockout lasts which follows `earlier` others of the same scope and key. */
export function lockoutDuration(rules: Pick<LockoutRules, 'forMs' | 'upToMs'>, earlier: number): number {
  return Math.min(rules.upToMs, rules.forMs * 2 ** Math.min(earlier, 30))
}

/** How long an address stays known after a login from it that was let in. */
export const ADDRESS_KNOWN_MS = 30 * 24 * 3_600_000

/**
 * Which lockouts for failures do not bar a login: at an address that is known those of the user, which strangers may
 * have brought about from elsewhere; in a trusted network every one. Those by hand and by the hard limit always bar.
 */
export type Spared = 'user' | 'all'

export function bars(
  { cause, scope }: Pick<Lockout, 'cause' | 'scope'>,
  spared: Spared | undefined,
): boolean {
  return cause !== 'failures' || (spared !== 'all' && spared !== scope)
}

/** Which lockouts do not bar a login from here. */
export function sparedAt(
  address: string | undefined,
  isKnown: boolean,
  exempt: readonly Network[],
): Spared | undefined {
  if (isWithin(exempt, address)) return 'all'
  return isKnown ? 'user' : undefined
}

export function isInForce(lockout: Lockout, now: number): boolean {
  return lockout.releasedAt === undefined && (lockout.until === undefined || lockout.until > now)
}

export interface LockoutFilter {
  readonly user?: string
  /** Finds what covers it. */
  readonly address?: string
  /** Only those in force at this time (wall milliseconds). */
  readonly inForceAt?: number
  /** Identifier of the last lockout of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface LockoutStore {
  /** Newest first. */
  list(filter: LockoutFilter): Promise<readonly Lockout[]>
  /** Releases every lockout in force that names the user, and forgets the user's consecutive failures. @returns those released. */
  releaseUser(user: string, by: string, reason: string, now: number): Promise<readonly Lockout[]>
}
