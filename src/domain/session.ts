/** Counters of a session as the gateway reports them; octets and seconds. */
interface SessionCounters {
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
  /** Name of the pool that `ipv4` is of. */
  readonly pool?: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly client?: string
  readonly grantedAt?: number
  readonly startedAt?: number
  /** Milliseconds without news after which it is taken for dead; absent where no reports were asked for. */
  readonly keptMs?: number
  readonly updatedAt: number
  readonly stoppedAt?: number
  /** Acct-Terminate-Cause by name. */
  readonly terminateCause?: string
}

/** One accounting record, in the broker's own terms. */
export interface AccountingRecord extends SessionCounters {
  readonly kind: 'start' | 'interim' | 'stop'
  readonly gateway: string
  readonly user: string
  readonly acctSession: string
  readonly address?: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly terminateCause?: string
  /** Wall milliseconds at which it happened: arrival less Acct-Delay-Time. */
  readonly at: number
}

/**
 * How long after a login a Start may still belong to it. Before ocserv 1.5.1 nothing but the user, the address and
 * the time tie the two; a login has 240 s in ocserv, and the Start follows it at once.
 */
export const GRANT_TO_START_MS = 5 * 60_000

export interface SessionFilter {
  /** Any spelling of the name: with or without a realm, in capitals or not. */
  readonly user?: string
  readonly open?: boolean
  /** Identifier of the last session of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface SessionStore {
  /**
   * Folds one record into its session. The same record twice, or records in any order, end in the same session:
   * counters only grow, a Stop is final, a late Start fills in what it knows.
   */
  record(entry: AccountingRecord): Promise<void>
  /** Newest first. */
  list(filter: SessionFilter): Promise<readonly Session[]>
}
