import { type HeldLease, UNHEARD_MS, USUAL_HOLD_MS } from './address-pool.ts'

/** A gateway of which nothing at all is heard for so long is gone, and its sessions with it. */
const GATEWAY_GONE_MS = 24 * 60 * 60_000

interface Seen {
  readonly session: string
  readonly heardAt: number | undefined
  /** When it was first seen so. */
  readonly since: number
}

/** What is heard of a gateway's sessions, without a long pause. */
interface Hearing {
  readonly since: number
  readonly last: number
}

/**
 * Tells which sessions must be dead, by what has not changed in the records for as long as somebody was looking. No
 * clock of anybody's is compared with another's, so none that is wrong or jumps makes a session seem dead. Times are
 * monotonic milliseconds.
 */
export class LeaseWatch {
  readonly #longestGapMs: number
  #seen = new Map<string, Seen>()
  readonly #gateways = new Map<string, Hearing>()
  #lookedAt: number | undefined

  /** @param longestGapMs between two looks; whoever did not look for longer begins anew. */
  constructor(longestGapMs: number) {
    this.#longestGapMs = longestGapMs
  }

  /** Something kept news away: what was seen before says nothing. */
  beginAnew(): void {
    this.#seen.clear()
    this.#gateways.clear()
  }

  /** @param held all leases that sessions have. @returns those whose sessions are dead. */
  look(held: readonly HeldLease[], now: number): readonly HeldLease[] {
    if (this.#lookedAt !== undefined && now - this.#lookedAt > this.#longestGapMs) this.beginAnew()
    this.#lookedAt = now
    const before = this.#seen
    this.#seen = new Map(
      held.map((lease) => [lease.address, this.#see(lease, before.get(lease.address), now)]),
    )
    return held.filter((lease) => this.#isDead(lease, now))
  }

  #see(lease: HeldLease, before: Seen | undefined, now: number): Seen {
    const { session, heardAt } = lease
    if (before?.session === session && before.heardAt === heardAt) return before
    if (before !== undefined && heardAt !== undefined) this.#hear(lease, now)
    return { session, heardAt, since: now }
  }

  /** A gateway that was silent for half as long as its sessions may be was away: they have all their time from now on. */
  #hear({ gateway = '', keptMs = USUAL_HOLD_MS }: HeldLease, now: number): void {
    const before = this.#gateways.get(gateway)
    const goesOn = before !== undefined && now - before.last <= keptMs / 2
    this.#gateways.set(gateway, { since: goesOn ? before.since : now, last: now })
  }

  /**
   * Silent for too long, while its gateway told of others before and after that: where the gateway tells nothing it may
   * be cut off, or what it tells waits elsewhere to be brought in.
   */
  #isDead({ address, gateway = '', heardAt, keptMs = USUAL_HOLD_MS }: HeldLease, now: number): boolean {
    const since = this.#seen.get(address)?.since ?? now
    const limit = heardAt === undefined ? Math.max(UNHEARD_MS, keptMs) : keptMs
    const hearing = this.#gateways.get(gateway)
    const isMissed = hearing !== undefined && hearing.last > Math.max(since, hearing.since) + limit
    return isMissed || now - since > Math.max(limit, GATEWAY_GONE_MS)
  }
}
