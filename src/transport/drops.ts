import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { Metrics } from '../domain/metrics.ts'

/** Why a datagram got no answer: stable words, found in the log and in the metrics. */
export type DropReason =
  | 'unknown_gateway'
  | 'no_source_port'
  | 'malformed'
  | 'wrong_code'
  | 'no_message_authenticator'
  | 'bad_message_authenticator'
  | 'bad_accounting_authenticator'
  | 'proxy_state_unprotected'
  | 'overloaded'
  | 'too_late'

const QUIET_MS = 60_000
const MAX_REMEMBERED = 1000

/** Counts every dropped datagram, and tells of each reason and peer once a minute: a flood must not fill the log. */
export class Drops {
  readonly #clock: Clock
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #told = new Map<string, { until: number; unsaid: number }>()

  constructor(options: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#clock = options.clock
    this.#log = options.log
    this.#metrics = options.metrics
  }

  drop(reason: DropReason, peer: string, detail?: string): void {
    this.#metrics.dropped(reason)
    const key = `${reason} ${peer}`
    const now = this.#clock.monotonic()
    const told = this.#told.get(key)
    if (told !== undefined && told.until > now) {
      told.unsaid += 1
      return
    }
    if (told === undefined && this.#told.size >= MAX_REMEMBERED && !this.#forgetOld(now)) return
    this.#told.set(key, { until: now + QUIET_MS, unsaid: 0 })
    this.#log.warn('datagram.dropped', { reason, peer, detail, before: told?.unsaid })
  }

  #forgetOld(now: number): boolean {
    for (const [key, { until }] of this.#told) if (until <= now) this.#told.delete(key)
    return this.#told.size < MAX_REMEMBERED
  }
}
