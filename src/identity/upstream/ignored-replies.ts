import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/log.ts'

/** Why a datagram from a server's address was not taken for its reply: stable words, found in the log. */
export type IgnoredReason =
  | 'unasked'
  | 'malformed'
  | 'wrong_code'
  | 'bad_authenticator'
  | 'bad_message_authenticator'
  | 'no_message_authenticator'
  | 'wrong_proxy_state'

const QUIET_MS = 60_000

/** Counts the replies that were not believed, and tells of each reason once a minute. */
export class IgnoredReplies {
  readonly #counts = new Map<IgnoredReason, number>()
  readonly #toldAt = new Map<IgnoredReason, number>()
  readonly #options: {
    readonly clock: Clock
    readonly log: Log
    readonly store: string
    readonly server: string
  }

  constructor(options: {
    readonly clock: Clock
    readonly log: Log
    readonly store: string
    readonly server: string
  }) {
    this.#options = options
  }

  add(reason: IgnoredReason): void {
    const count = this.of(reason) + 1
    this.#counts.set(reason, count)
    const { clock, log, store, server } = this.#options
    const now = clock.monotonic()
    const told = this.#toldAt.get(reason)
    if (told !== undefined && now - told < QUIET_MS) return
    this.#toldAt.set(reason, now)
    log.warn('upstream.reply_ignored', { store, server, reason, count })
  }

  /** How many there were since the start. */
  of(reason: IgnoredReason): number {
    return this.#counts.get(reason) ?? 0
  }
}
