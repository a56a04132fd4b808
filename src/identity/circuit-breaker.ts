import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { type IdentityStore, Unavailable } from '../domain/person.ts'

export interface CircuitBreakerOptions {
  readonly clock: Clock
  readonly log: Log
  /** Slow outages in a row after which the store is left alone. */
  readonly after?: number
  /** For how long, in milliseconds; then one login tries it. */
  readonly restMs?: number
  /** Milliseconds from which on an outage counts: one that is known at once costs nobody anything. */
  readonly slowMs?: number
}

/**
 * Keeps a store that hangs from costing every login its time-out: after some such outages in a row it is not asked for
 * a moment, and says so at once; then a single login finds out whether it is back, while the others still do not wait.
 */
export function withCircuitBreaker(store: IdentityStore, options: CircuitBreakerOptions): IdentityStore {
  const { clock, log, after = 5, restMs = 2000, slowMs = 200 } = options
  let outages = 0
  let restsUntil = Number.NEGATIVE_INFINITY
  let cause = ''

  async function guarded<T>(ask: () => Promise<T>): Promise<T> {
    const begun = clock.monotonic()
    if (outages >= after) {
      if (begun < restsUntil)
        throw new Unavailable(`identity ${store.name}`, `not asked for a moment: ${cause}`)
      restsUntil = begun + restMs // this login tries; whoever comes meanwhile does not
    }
    try {
      const answer = await ask()
      if (outages >= after) log.info('identity.asked_again', { identity: store.name })
      outages = 0
      return answer
    } catch (error) {
      if (error instanceof Unavailable && clock.monotonic() - begun >= slowMs) note(error)
      throw error
    }
  }

  function note({ what, message }: Unavailable): void {
    outages += 1
    if (outages < after) return
    cause = message.slice(`${what}: `.length)
    restsUntil = clock.monotonic() + restMs
    if (outages === after) log.warn('identity.left_alone', { identity: store.name, cause })
  }

  return {
    ...store,
    authenticate: (...args) => guarded(() => store.authenticate(...args)),
    lookup: (...args) => guarded(() => store.lookup(...args)),
  }
}
