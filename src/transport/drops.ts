import { remedyOf } from '../domain/drop-remedies.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { DropReason } from '../domain/traffic.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'
import type { Seen } from './traffic-tally.ts'

export interface DropsOptions extends Pick<Runtime, 'clock' | 'log' | 'metrics'> {
  /** Told of each datagram, and of what became of it. */
  readonly noteTraffic: (seen: Seen) => void
}

/** Counts every dropped datagram, and logs each reason and source once a minute, with what to do. */
export class Drops {
  readonly #options: DropsOptions
  readonly #throttle: LogThrottle

  constructor(options: DropsOptions) {
    this.#options = options
    this.#throttle = new LogThrottle(options)
  }

  drop(seen: Seen & { readonly outcome: DropReason }): void {
    const { outcome: reason, source: peer, gateway, detail } = seen
    this.#options.metrics.dropped(reason)
    this.#options.noteTraffic(seen)
    this.#throttle.tell(`${reason} ${peer}`, (before) =>
      this.#options.log.warn('datagram.dropped', {
        reason,
        peer,
        gateway,
        detail,
        remedy: remedyOf(seen),
        before,
      }),
    )
  }
}
