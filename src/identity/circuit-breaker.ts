import type { Clock } from '../domain/clock.ts'
import { type IdentityStore, Unavailable } from '../domain/person.ts'

export interface CircuitBreakerOptions {
  readonly clock: Clock
  /** Outages in a row after which the store is left alone. */
  readonly after?: number
  /** For how long, in milliseconds; then one login tries it. */
  readonly restMs?: number
}

/**
 * Keeps a dead store from costing every login its time-out: after some outages in a row it is not asked for a moment,
 * and says so at once; then a single login finds out whether it is back, while the others still do not wait.
 */
export function withCircuitBreaker(store: IdentityStore, options: CircuitBreakerOptions): IdentityStore {
  const { clock, after = 5, restMs = 2000 } = options
  let outages = 0
  let restsUntil = Number.NEGATIVE_INFINITY

  async function guarded<T>(ask: () => Promise<T>): Promise<T> {
    if (outages >= after) {
      const now = clock.monotonic()
      if (now < restsUntil) throw new Unavailable(`identity ${store.name}`, 'it was unavailable a moment ago')
      restsUntil = now + restMs // this login tries; whoever comes meanwhile does not
    }
    try {
      const answer = await ask()
      outages = 0
      return answer
    } catch (error) {
      if (error instanceof Unavailable) {
        outages += 1
        if (outages >= after) restsUntil = clock.monotonic() + restMs
      }
      throw error
    }
  }

  const guardedStore: IdentityStore = {
    name: store.name,
    authenticate: (...args) => guarded(() => store.authenticate(...args)),
    lookup: (...args) => guarded(() => store.lookup(...args)),
    checkReady: (deadline) => store.checkReady(deadline),
  }
  return store.pretend === undefined
    ? guardedStore
    : { ...guardedStore, pretend: (password) => store.pretend?.(password) ?? Promise.resolve() }
}
