import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { Metrics } from '../domain/metrics.ts'
import { OnceAMinute } from './once-a-minute.ts'

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

/** Counts every dropped datagram, and tells of each reason and peer once a minute. */
export class Drops {
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #told: OnceAMinute

  constructor(options: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#log = options.log
    this.#metrics = options.metrics
    this.#told = new OnceAMinute(options.clock)
  }

  drop(reason: DropReason, peer: string, detail?: string): void {
    this.#metrics.dropped(reason)
    this.#told.tell(`${reason} ${peer}`, (before) =>
      this.#log.warn('datagram.dropped', { reason, peer, detail, before }),
    )
  }
}
