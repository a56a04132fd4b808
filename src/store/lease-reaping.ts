import {
  type HeldLease,
  isNearlyFull,
  type Lease,
  type LeaseStore,
  type PoolUsage,
  poolLabel,
} from '../domain/address-pool.ts'
import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { StaleLeaseDetector } from '../domain/stale-lease-detector.ts'
import { allOf, pagesOf } from './pool-sync.ts'

export interface LeaseReapingOptions {
  readonly leases: Pick<LeaseStore, 'page' | 'reap' | 'usage' | 'tidy'>
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds from one round to the next; a minute where absent. */
  readonly everyMs?: number
}

/** Rounds that may be late or missing before the detector is reset. */
const GAP = 3

/** Frees the addresses of sessions whose end was never reported, and tells when a pool is nearly full. */
export class LeaseReaping {
  readonly #options: LeaseReapingOptions
  readonly #watch: StaleLeaseDetector
  readonly #nearlyFull = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #round: Promise<void> = Promise.resolve()

  private constructor(options: LeaseReapingOptions) {
    const { everyMs = 60_000 } = options
    this.#options = options
    this.#watch = new StaleLeaseDetector(GAP * everyMs)
    this.#timer = setInterval(() => {
      this.#round = this.#round.then(() => this.#reap())
    }, everyMs).unref()
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
      const held = (await allOf(leases, true)).filter(isHeld)
      let freed = 0
      for (const dead of pagesOf(this.#watch.findStale(held, clock.monotonic())))
        freed += await leases.reap(dead, clock.now())
      if (freed > 0) log.info('leases.reaped', { freed })
      const pools = await leases.usage()
      if (pools.length > 0) await leases.tidy()
      for (const usage of pools) this.#tell(usage)
    } catch (error) {
      this.#watch.reset()
      log.warn('leases.not_reaped', { error })
    }
  }

  #tell(usage: PoolUsage): void {
    const { log } = this.#options
    const label = poolLabel(usage)
    if (!isNearlyFull(usage)) {
      this.#nearlyFull.delete(label)
      return
    }
    if (!this.#nearlyFull.has(label)) log.warn('pool.nearly_full', { ...usage })
    this.#nearlyFull.add(label)
  }
}

function isHeld(lease: Lease): lease is HeldLease {
  return lease.session !== undefined
}
