import { isNearlyFull, type LeaseStore, type PoolUsage } from '../domain/address-pool.ts'
import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { Metrics } from '../domain/metrics.ts'
import { UnbrokenTime } from '../domain/unbroken-time.ts'

export interface LeaseReapingOptions {
  readonly leases: Pick<LeaseStore, 'reap' | 'usage'>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'pool'>
  /** Milliseconds from one round to the next; a minute where absent. */
  readonly everyMs?: number
}

/**
 * Frees the addresses of sessions whose end nobody told: of those that have been silent for too long while they could
 * be heard. Also tells how full the pools are.
 */
export class LeaseReaping {
  readonly #options: LeaseReapingOptions
  readonly #watched: UnbrokenTime
  readonly #nearlyFull = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #round: Promise<void> = Promise.resolve()

  private constructor(options: LeaseReapingOptions) {
    this.#options = options
    this.#watched = new UnbrokenTime(options.clock)
    this.#timer = setInterval(() => {
      this.#round = this.#round.then(() => this.#reap())
    }, options.everyMs ?? 60_000).unref()
  }

  static start(options: LeaseReapingOptions): LeaseReaping {
    return new LeaseReaping(options)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#round
  }

  async #reap(): Promise<void> {
    const { leases, clock, log } = this.#options
    try {
      const freed = await leases.reap(clock.now(), this.#watched.elapsedMs())
      if (freed > 0) log.info('leases.reaped', { freed })
      for (const usage of await leases.usage()) this.#tell(usage)
    } catch (error) {
      this.#watched.broken()
      log.warn('leases.not_reaped', { error })
    }
  }

  #tell(usage: PoolUsage): void {
    const { log, metrics } = this.#options
    const { pool, size, held } = usage
    metrics.pool(pool, size, held)
    if (!isNearlyFull(usage)) {
      this.#nearlyFull.delete(pool)
      return
    }
    if (!this.#nearlyFull.has(pool)) log.warn('pool.nearly_full', { pool, size, held })
    this.#nearlyFull.add(pool)
  }
}
