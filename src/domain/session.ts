import { STALE_MS } from './address-pool.ts'
import type { CountingRules } from './usage.ts'

/** Counters of a session as the gateway reports them; octets and seconds. */
export interface SessionCounters {
  readonly seconds: number
  /** Octets from the user (Acct-Input-Octets with its gigawords, RFC 2869 §5.1). */
  readonly octetsIn: number
  /** Octets to the user. */
  readonly octetsOut: number
}

/** One VPN session, from the login that granted it to its Stop. Times are wall milliseconds. */
export interface Session extends SessionCounters {
  readonly id: string
  readonly gateway: string
  /** User-Name as the gateway writes it. */
  readonly user: string
  readonly subject?: string
  readonly address?: string
  /** Acct-Session-Id; absent until accounting names it. */
  readonly acctSession?: string
  readonly policy?: string
  /** The pool of `ipv4`. */
  readonly pool?: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly client?: string
  /** The server that reports it: source address and NAS-Identifier, as a gateway may be several. */
  readonly nas?: string
  readonly grantedAt?: number
  readonly startedAt?: number
  /** Milliseconds without a report after which it counts as dead; absent if no reports were asked for. */
  readonly staleAfterMs?: number
  readonly updatedAt: number
  readonly stoppedAt?: number
  /** When a later session of the user took its place; it takes none of `SessionLimit` any more. */
  readonly gaveWayAt?: number
  /** Acct-Terminate-Cause by name. */
  readonly terminateCause?: string
}

/** One accounting record, in the broker's own terms. */
export interface AccountingRecord extends SessionCounters {
  readonly kind: 'start' | 'interim' | 'stop'
  readonly gateway: string
  readonly nas?: string
  readonly user: string
  readonly acctSession: string
  readonly address?: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly terminateCause?: string
  /** Wall milliseconds at which it happened: arrival less Acct-Delay-Time. */
  readonly at: number
}

/** Accounting-On or -Off (RFC 2866 §5.1): the server has no sessions that began before. */
export interface ServerRestart {
  readonly kind: 'restart'
  readonly gateway: string
  readonly nas: string
  readonly at: number
}

export type AccountingReport = AccountingRecord | ServerRestart

/**
 * How long after a login a Start may still belong to it. Before ocserv 1.5.1 only the user, the address and the time
 * connect the two; ocserv gives a login 240 s, and the Start follows at once.
 */
export const GRANT_TO_START_MS = 5 * 60_000

/**
 * `granted`: logged in, not yet named by accounting. `open`: named by accounting. `silent`: one of the two, but a report
 * is overdue; its gateway may be gone.
 */
export type SessionState = 'granted' | 'open' | 'silent' | 'ended'

/** @param now wall milliseconds. */
export function stateOf(
  { grantedAt, startedAt, stoppedAt, updatedAt, staleAfterMs }: Session,
  now: number,
): SessionState {
  if (stoppedAt !== undefined) return 'ended'
  if (startedAt === undefined) return (grantedAt ?? updatedAt) < now - STALE_MS ? 'silent' : 'granted'
  return staleAfterMs !== undefined && updatedAt < now - staleAfterMs ? 'silent' : 'open'
}

export interface SessionSearch {
  /** Only of users who are in one of these groups, as far as the records know; absent: of all. */
  readonly over?: readonly string[]
  /** Any spelling of the name: with or without a realm, in capitals or not. */
  readonly user?: string
  readonly open?: boolean
  readonly gateway?: string
  /** The user's own address, or the `customerNetwork` of one, for all addresses in it. */
  readonly address?: string
  /** Acct-Session-Id. */
  readonly acctSession?: string
  /** Those of which the broker knows no login. */
  readonly isUnknown?: boolean
  /** The address within the VPN. */
  readonly ip?: string
  /** At a moment in wall milliseconds. */
  readonly standing?: { readonly state: SessionState; readonly at: number }
  /** By the time of the login, or of the first record of the session; `last_ended`: those that have ended, by their end. Absent: newest first. */
  readonly order?: 'newest' | 'oldest' | 'last_ended'
  /** Identifier of the last session of the page before. */
  readonly after?: string
  readonly limit: number
}

/** How many sessions there are. */
export interface SessionCrowd {
  readonly open: number
  /** Of those that have not ended, they have told nothing for too long. */
  readonly silent: number
  readonly peak: number
}

export interface SessionStore {
  /**
   * Folds one record into its session. The same record twice, or records in any order, end in the same session:
   * counters only grow, a Stop is final, a late Start fills in what it knows. A Start from after the Stop is that of
   * another session under the same name. What the record adds grows the usage of its day, in the same transaction, and
   * what that spends of a quota is told, and ends sessions.
   * @param rules absent: days of UTC, and no quotas.
   */
  record(entry: AccountingReport, rules?: CountingRules): Promise<void>
  find(id: string): Promise<Session | undefined>
  list(search: SessionSearch): Promise<readonly Session[]>
  /** How many there are now, and were at the most since a moment of the last days; wall milliseconds. */
  crowd(since: number, now: number): Promise<SessionCrowd>
  /** The user's sessions that have not ended and have not given up their place, live or not. */
  standing(user: Pick<Session, 'user' | 'subject'>): Promise<readonly Session[]>
}
