import type { Runtime } from '../domain/runtime.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'

/** Why a datagram got no answer: stable words, found in the log, in the metrics and in docs/log.md. */
export const DROP_REASONS = [
  'unknown_gateway',
  'no_source_port',
  'malformed',
  'wrong_code',
  'forbidden_attribute',
  'no_message_authenticator',
  'bad_message_authenticator',
  'bad_accounting_authenticator',
  'proxy_state_unprotected',
  'repeated',
  'overloaded',
  'too_late',
] as const

export type DropReason = (typeof DROP_REASONS)[number]

/** Counts every dropped datagram, and logs each reason and source once a minute. */
export class Drops {
  readonly #options: Pick<Runtime, 'log' | 'metrics'>
  readonly #throttle: LogThrottle

  constructor(options: Pick<Runtime, 'clock' | 'log' | 'metrics'>) {
    this.#options = options
    this.#throttle = new LogThrottle(options)
  }

  drop(reason: DropReason, peer: string, detail?: string): void {
    this.#options.metrics.dropped(reason)
    this.#throttle.tell(`${reason} ${peer}`, (before) =>
      this.#options.log.warn('datagram.dropped', { reason, peer, detail, before }),
    )
  }
}
