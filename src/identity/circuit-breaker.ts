import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { type BegunLogin, type IdentityStore, Unavailable } from '../domain/person.ts'

export interface CircuitBreakerOptions {
  readonly clock: Clock
  readonly log: Log
  /** Slow outages in a row after which the store is left alone. */
  readonly after?: number
  /** For how long, in milliseconds; then one login tries it. */
  readonly restMs?: number
  /** Milliseconds from which on an outage counts: one that is known at once costs nobody anything. */
  readonly slowMs?: number
  /** Milliseconds within which a store that is not to be left alone says that it is ready. */
  readonly readyWithinMs?: number
}

/**
 * Keeps a store that hangs from costing every login its time-out: after some such outages in a row it is not asked for
 * a moment, and says so at once; then a single login finds out whether it is back, while the others still do not wait.
 * A store that is ready for questions does not hang: it is slow with some of them, as many are with wrong passwords, and
 * a stranger who tries those must not keep everybody else from being asked for.
 */
export function withCircuitBreaker(store: IdentityStore, options: CircuitBreakerOptions): IdentityStore {
  const { clock, log, after = 5, restMs = 2000, slowMs = 200, readyWithinMs = 1000 } = options
  let suspicions = 0
  let isLeftAlone = false
  let restsUntil = Number.NEGATIVE_INFINITY
  let cause = ''
  let isLooking = false
  let isTold = false

  async function guarded<T>(ask: () => Promise<T>): Promise<T> {
    const begun = clock.monotonic()
    if (isLeftAlone) {
      if (begun < restsUntil)
        throw new Unavailable(`identity ${store.name}`, `not asked for a moment: ${cause}`)
      restsUntil = begun + restMs // this login tries; whoever comes meanwhile does not
    }
    try {
      const answer = await ask()
      askAgain()
      return answer
    } catch (error) {
      if (error instanceof Unavailable && clock.monotonic() - begun >= slowMs) void note(error)
      throw error
    }
  }

  /** While it is left alone nothing is begun: whoever finds out whether it is back asks all at once. */
  function guardedLogin(begin: () => BegunLogin | undefined): BegunLogin | undefined {
    const begun = isLeftAlone ? undefined : begin()
    return (
      begun && {
        finish: (password) => guarded(() => begun.finish(password)),
        [Symbol.dispose]: () => begun[Symbol.dispose](),
      }
    )
  }

  /** Beside the login, which has waited long enough. The others need not wait for what comes of the look either. */
  async function note({ what, message }: Unavailable): Promise<void> {
    suspicions += 1
    if (suspicions < after) return
    cause = message.slice(`${what}: `.length)
    restsUntil = clock.monotonic() + restMs
    isLeftAlone = true
    if (isLooking) return
    isLooking = true
    const ready = await isReady()
    isLooking = false
    if (!isLeftAlone) return // somebody was answered meanwhile
    if (ready) {
      if (!isTold) log.warn('identity.slow', { identity: store.name, cause })
      askAgain()
      return
    }
    if (!isTold) log.warn('identity.left_alone', { identity: store.name, cause })
    isTold = true
  }

  function askAgain(): void {
    suspicions = 0
    isLeftAlone = false
    if (isTold) log.info('identity.asked_again', { identity: store.name })
    isTold = false
  }

  async function isReady(): Promise<boolean> {
    try {
      await store.checkReady(clock.monotonic() + readyWithinMs)
      return true
    } catch {
      return false
    }
  }

  const { begin } = store
  return {
    ...store,
    ...(begin !== undefined && { begin: (...args) => guardedLogin(() => begin(...args)) }),
    authenticate: (...args) => guarded(() => store.authenticate(...args)),
    lookup: (...args) => guarded(() => store.lookup(...args)),
  }
}
