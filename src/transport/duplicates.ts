import type { Clock } from '../domain/clock.ts'
import { OldestFirst } from '../domain/oldest-first.ts'
import type { SeenRequest } from './inheritance.ts'

export interface DuplicatesOptions {
  readonly clock: Clock
  /** How long a reply is kept, in milliseconds. */
  readonly keepMs?: number
  /** Requests remembered at once; past this the oldest are forgotten. */
  readonly capacity?: number
}

interface Entry {
  readonly authenticator: Buffer
  readonly since: number
  /** Absent while the answer is being made. */
  reply: Buffer | undefined
  /** Whether another process is making the answer. */
  readonly isAwaited: boolean
}

/**
 * Requests that were seen a moment ago (RFC 5080 §2.2.2). A one-time code must not be checked twice because a packet
 * was lost, so replies are kept for three of radcli's retransmits and sent again octet for octet.
 */
export class Duplicates {
  readonly #entries = new OldestFirst<Entry>()
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #capacity: number

  constructor({ clock, keepMs = 30_000, capacity = 50_000 }: DuplicatesOptions) {
    this.#clock = clock
    this.#keepMs = keepMs
    this.#capacity = capacity
  }

  /**
   * @param key source address and port, identifier and receiving socket; only of a packet that was verified.
   * @returns `new` where the request is now pending, `pending` where it was already, or the reply it got.
   */
  begin(key: string, authenticator: Buffer): 'new' | 'pending' | Buffer {
    const now = this.#clock.monotonic()
    const known = this.#entries.get(key)
    if (
      known !== undefined &&
      known.since + this.#keepMs > now &&
      known.authenticator.equals(authenticator)
    ) {
      return known.reply ?? 'pending'
    }
    this.#entries.delete(key) // or it might be one of those that make room
    this.#makeRoom(now)
    this.#entries.set(key, {
      authenticator: Buffer.from(authenticator),
      since: now,
      reply: undefined,
      isAwaited: false,
    })
    return 'new'
  }

  /** Keeps the reply; without one the request is forgotten, and a retransmit is a new try. */
  end(key: string, authenticator: Buffer, reply: Buffer | undefined): void {
    const entry = this.#entries.get(key)
    if (entry === undefined || !entry.authenticator.equals(authenticator)) return // another request took the place
    if (reply === undefined) this.#entries.delete(key)
    else entry.reply = reply
  }

  /** All that is remembered, the oldest first, for another process to go on with. */
  *seen(): Generator<SeenRequest> {
    const now = this.#clock.monotonic()
    for (const [key, { authenticator, since, reply }] of this.#entries)
      yield {
        key,
        authenticator: authenticator.toString('base64'),
        ageMs: now - since,
        ...(reply !== undefined && { reply: reply.toString('base64') }),
      }
  }

  /** Remembers what another process saw. */
  inherit(requests: readonly SeenRequest[]): void {
    const now = this.#clock.monotonic()
    for (const { key, authenticator, ageMs, reply } of requests) {
      this.#entries.set(key, {
        authenticator: Buffer.from(authenticator, 'base64'),
        since: now - ageMs,
        reply: reply === undefined ? undefined : Buffer.from(reply, 'base64'),
        isAwaited: reply === undefined,
      })
    }
  }

  /** The other process has ended: what it has not answered it never will, and a retransmit is a new try. */
  awaitNothing(): void {
    for (const [key, { reply, isAwaited }] of this.#entries)
      if (isAwaited && reply === undefined) this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }

  #makeRoom(now: number): void {
    this.#entries.dropWhile(
      ({ since }) => since + this.#keepMs <= now || this.#entries.size >= this.#capacity,
    )
  }
}
