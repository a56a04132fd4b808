import type { Clock } from '../domain/clock.ts'
import { Unavailable } from '../domain/errors.ts'
import type { IdentityProvider, PendingLogin } from '../domain/identity-provider.ts'
import type { Log } from '../domain/log.ts'

export interface CircuitBreakerOptions {
  readonly clock: Clock
  readonly log: Log
  /** Slow outages in a row after which the circuit opens. */
  readonly after?: number
  /** How long it stays open, in milliseconds; then one login tries the store. */
  readonly restMs?: number
  /** Milliseconds from which an outage counts: a fast one delays no login. */
  readonly slowMs?: number
  /** Milliseconds within which the store must report ready to keep the circuit closed. */
  readonly readyWithinMs?: number
}

/**
 * Keeps a store that hangs from delaying every login: after several slow outages in a row the circuit opens, and logins
 * fail at once. Then a single login tries the store, while the others still do not wait. If the store reports ready the
 * circuit stays closed: it is only slow with some logins, as many servers are with wrong passwords, and an attacker who
 * sends those must not lock out everyone else.
 */
export function withCircuitBreaker(
  store: IdentityProvider,
  options: CircuitBreakerOptions,
): IdentityProvider {
  const { clock, log, after = 5, restMs = 2000, slowMs = 200, readyWithinMs = 1000 } = options
  let outages = 0
  let isOpen = false
  let openUntil = Number.NEGATIVE_INFINITY
  let cause = ''
  let isChecking = false
  let isLogged = false

  async function guarded<T>(ask: () => Promise<T>): Promise<T> {
    const startedAt = clock.monotonic()
    if (isOpen) {
      if (startedAt < openUntil)
        throw new Unavailable(`identity ${store.name}`, `not asked for a moment: ${cause}`)
      openUntil = startedAt + restMs // this login tries the store; others meanwhile do not
    }
    try {
      const answer = await ask()
      close()
      return answer
    } catch (error) {
      if (error instanceof Unavailable && clock.monotonic() - startedAt >= slowMs) void note(error)
      throw error
    }
  }

  /** While the circuit is open nothing is prefetched: a login that tries the store asks everything at once. */
  function guardedLogin(begin: () => PendingLogin | undefined): PendingLogin | undefined {
    const prefetched = isOpen ? undefined : begin()
    return (
      prefetched && {
        complete: (...args) => guarded(() => prefetched.complete(...args)),
        [Symbol.dispose]: () => prefetched[Symbol.dispose](),
      }
    )
  }

  /** Runs in the background: the login has waited long enough. */
  async function note({ what, message }: Unavailable): Promise<void> {
    outages += 1
    if (outages < after) return
    cause = message.slice(`${what}: `.length)
    openUntil = clock.monotonic() + restMs
    isOpen = true
    if (isChecking) return
    isChecking = true
    const ready = await isReady()
    isChecking = false
    if (!isOpen) return // a login was answered meanwhile
    if (ready) {
      if (!isLogged) log.warn('identity.slow', { identity: store.name, cause })
      close()
      return
    }
    if (!isLogged) log.warn('identity.left_alone', { identity: store.name, cause })
    isLogged = true
  }

  function close(): void {
    outages = 0
    isOpen = false
    if (isLogged) log.info('identity.asked_again', { identity: store.name })
    isLogged = false
  }

  async function isReady(): Promise<boolean> {
    try {
      await store.checkReady(clock.monotonic() + readyWithinMs)
      return true
    } catch {
      return false
    }
  }

  const { prefetch: begin } = store
  return {
    ...store,
    prefetch: begin && ((...args) => guardedLogin(() => begin(...args))),
    authenticate: (...args) => guarded(() => store.authenticate(...args)),
    lookup: (...args) => guarded(() => store.lookup(...args)),
  }
}
