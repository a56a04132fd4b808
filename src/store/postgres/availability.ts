import type { Clock } from '../../domain/clock.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { Log } from '../../domain/log.ts'
import { Hung, Lost, TryAgain } from './errors.ts'

/** How often a call is repeated after a conflict or a stale plan; each connection has its own plans. */
const TRIES = 20
/** Milliseconds between the calls that find out whether a server which hung answers again. */
const PROBE_EVERY_MS = 250

/**
 * Guards every call. A server that is gone refuses at once; one that hangs keeps each caller waiting for the whole
 * time-out, so while it hangs only a few calls are sent as probes, and the others fail at once.
 */
export class Availability {
  readonly #clock: Clock
  readonly #log: Log
  #isLost = false
  #hungSince: number | undefined
  #probedAt = 0

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock
    this.#log = log
  }

  /** @throws Unavailable, or what the call throws. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.#refuseWhileHung()
    for (let tries = 1; ; tries++) {
      try {
        const value = await call()
        this.#answered()
        return value
      } catch (error) {
        if (error instanceof TryAgain && tries < TRIES) continue
        this.#failed(error)
        throw error
      }
    }
  }

  #refuseWhileHung(): void {
    if (this.#hungSince === undefined) return
    const now = this.#clock.monotonic()
    if (now - this.#probedAt < PROBE_EVERY_MS) {
      const seconds = ((now - this.#hungSince) / 1000).toFixed(1)
      throw new Unavailable('storage', `PostgreSQL has not answered for ${seconds} s`)
    }
    this.#probedAt = now
  }

  #failed(error: unknown): void {
    if (error instanceof Hung) this.#hungSince ??= this.#clock.monotonic()
    if (!(error instanceof Lost)) return
    if (!this.#isLost) this.#log.warn('postgres.lost', { error: error.message })
    this.#isLost = true
  }

  #answered(): void {
    this.#hungSince = undefined
    if (this.#isLost) this.#log.info('postgres.connected')
    this.#isLost = false
  }
}
