import type { Clock } from '../domain/clock.ts'
import { REQUEST_KNOWN_MS } from '../domain/login-attempt.ts'
import type { Runtime } from '../domain/runtime.ts'
import { LinkedMap } from '../pacing/linked-map.ts'

export interface DuplicatesOptions extends Pick<Runtime, 'clock'> {
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
}

/**
 * Requests of the last seconds (RFC 5080 §2.2.2). A one-time code must not be checked twice because a packet was lost, so
 * replies are kept for that time and sent again octet for octet.
 */
export class Duplicates {
  readonly #entries = new LinkedMap<Entry>()
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #capacity: number

  constructor({ clock, keepMs = REQUEST_KNOWN_MS, capacity = 50_000 }: DuplicatesOptions) {
    this.#clock = clock
    this.#keepMs = keepMs
    this.#capacity = capacity
  }

  /**
   * @param key source address and port, identifier and receiving socket, only of a verified packet.
   * @returns `new` where the request is pending from now on, `pending` where it was already, or its reply.
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
    this.#entries.delete(key) // or making room might delete it first
    this.#makeRoom(now)
    this.#entries.set(key, {
      authenticator: Buffer.from(authenticator),
      since: now,
      reply: undefined,
    })
    return 'new'
  }

  /** Keeps the reply; without one the request is forgotten, and a retransmit is a new attempt. */
  end(key: string, authenticator: Buffer, reply: Buffer | undefined): void {
    const entry = this.#entries.get(key)
    if (entry === undefined || !entry.authenticator.equals(authenticator)) return // another request took the place
    if (reply === undefined) this.#entries.delete(key)
    else entry.reply = reply
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
