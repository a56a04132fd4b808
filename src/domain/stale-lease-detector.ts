import { DEFAULT_HOLD_MS, type HeldLease, STALE_MS } from './address-pool.ts'

/** A gateway of which nothing at all is heard for so long is gone, and its sessions with it. */
const GATEWAY_GONE_MS = 24 * 60 * 60_000

interface Observation {
  readonly session: string
  readonly lastSeenAt: number | undefined
  /** When it was first seen so. */
  readonly since: number
}

/** What is heard of a gateway's sessions, without a long pause. */
interface Activity {
  readonly since: number
  readonly last: number
}

/**
 * Finds sessions that must be dead because their records have not changed while a broker was checking. It never compares
 * two clocks, so a wrong or jumping clock cannot make a session look dead. Times are monotonic milliseconds.
 */
export class StaleLeaseDetector {
  readonly #maxGapMs: number
  #seen = new Map<string, Observation>()
  readonly #gateways = new Map<string, Activity>()
  #lookedAt: number | undefined

  /** @param maxGapMs between two checks; after a longer gap all sessions get their full time again. */
  constructor(maxGapMs: number) {
    this.#maxGapMs = maxGapMs
  }

  /** Call it when reports may have been lost: earlier observations no longer count. */
  reset(): void {
    this.#seen.clear()
    this.#gateways.clear()
  }

  /** @param held all leases that sessions have. @returns those whose sessions are dead. */
  findStale(held: readonly HeldLease[], now: number): readonly HeldLease[] {
    if (this.#lookedAt !== undefined && now - this.#lookedAt > this.#maxGapMs) this.reset()
    this.#lookedAt = now
    const before = this.#seen
    this.#seen = new Map(
      held.map((lease) => [lease.address, this.#see(lease, before.get(lease.address), now)]),
    )
    return held.filter((lease) => this.#isDead(lease, now))
  }

  #see(lease: HeldLease, before: Observation | undefined, now: number): Observation {
    const { session, lastSeenAt } = lease
    if (before?.session === session && before.lastSeenAt === lastSeenAt) return before
    if (before !== undefined && lastSeenAt !== undefined) this.#hear(lease, now)
    return { session, lastSeenAt, since: now }
  }

  /** After a gateway's own silence of half the sessions' limit, its sessions get their full time again. */
  #hear({ gateway = '', staleAfterMs = DEFAULT_HOLD_MS }: HeldLease, now: number): void {
    const before = this.#gateways.get(gateway)
    const goesOn = before !== undefined && now - before.last <= staleAfterMs / 2
    this.#gateways.set(gateway, { since: goesOn ? before.since : now, last: now })
  }

  /**
   * Silent for too long while its gateway reported on others before and after. A gateway without any reports may be cut
   * off, or its reports may wait in a spool.
   */
  #isDead(
    { address, gateway = '', lastSeenAt, staleAfterMs = DEFAULT_HOLD_MS }: HeldLease,
    now: number,
  ): boolean {
    const since = this.#seen.get(address)?.since ?? now
    const limit = lastSeenAt === undefined ? Math.max(STALE_MS, staleAfterMs) : staleAfterMs
    const hearing = this.#gateways.get(gateway)
    const isMissed = hearing !== undefined && hearing.last > Math.max(since, hearing.since) + limit
    return isMissed || now - since > Math.max(limit, GATEWAY_GONE_MS)
  }
}
