import { type HeldLease, UNHEARD_MS, USUAL_HOLD_MS } from './address-pool.ts'

/** A gateway of which nothing at all is heard for so long is gone, and its sessions with it. */
const GATEWAY_GONE_MS = 24 * 60 * 60_000

interface Seen {
  readonly session: string
  readonly heardAt: number | undefined
  /** When it was first seen so. */
  readonly since: number
}

/**
 * Tells which sessions must be dead, by what has not changed in the records for as long as somebody was looking. No
 * clock of anybody's is compared with another's, so none that is wrong or jumps makes a session seem dead. Times are
 * monotonic milliseconds.
 */
export class LeaseWatch {
  readonly #longestGapMs: number
  #seen = new Map<string, Seen>()
  /** When the last news of a session of each gateway was seen. */
  readonly #gateways = new Map<string, number>()
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

  #see({ session, gateway = '', heardAt }: HeldLease, before: Seen | undefined, now: number): Seen {
    if (before?.session === session && before.heardAt === heardAt) return before
    if (before !== undefined && heardAt !== undefined) this.#gateways.set(gateway, now)
    return { session, heardAt, since: now }
  }

  /**
   * Silent for too long, while its gateway told of others after that: where the gateway tells nothing it may be cut off,
   * or what it tells waits elsewhere to be brought in.
   */
  #isDead({ address, gateway = '', heardAt, keptMs = USUAL_HOLD_MS }: HeldLease, now: number): boolean {
    const since = this.#seen.get(address)?.since ?? now
    const limit = heardAt === undefined ? Math.max(UNHEARD_MS, keptMs) : keptMs
    const gatewayHeard = this.#gateways.get(gateway) ?? Number.NEGATIVE_INFINITY
    return (
      now - since > limit && (gatewayHeard > since + limit || now - since > Math.max(limit, GATEWAY_GONE_MS))
    )
  }
}
