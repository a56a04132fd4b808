import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { RetentionStore } from '../domain/retention.ts'

export interface PruningOptions {
  readonly retention: RetentionStore
  /** Milliseconds that audit events are kept. */
  readonly keepAuditMs: number
  /** Milliseconds that usage by day is kept. */
  readonly keepUsageMs: number
  /** Milliseconds that the rest is kept after its end. */
  readonly keepMs: number
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds from the start to the first round (a minute), and from one to the next (an hour). */
  readonly firstMs?: number
  readonly everyMs?: number
}

/** Records in one transaction: a few milliseconds of work. */
const BATCH = 200
/** The pause between two batches, as a multiple of the time of the last one. */
const REST = 4
const MIN_PAUSE_MS = 50

/** Deletes records past their retention, every hour, in small batches. */
export class Pruning {
  readonly #options: PruningOptions
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #hasEnded = false

  private constructor(options: PruningOptions) {
    this.#options = options
  }

  static start(options: PruningOptions): Pruning {
    const pruning = new Pruning(options)
    pruning.#after(options.firstMs ?? 60_000)
    return pruning
  }

  /** Resolves when the batch that is being deleted is done. */
  async stop(): Promise<void> {
    this.#hasEnded = true
    clearTimeout(this.#timer)
    await this.#round
  }

  #after(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#round = this.#prune().finally(() => {
        if (!this.#hasEnded) this.#after(this.#options.everyMs ?? 3_600_000)
      })
    }, ms).unref()
  }

  async #prune(): Promise<void> {
    const { log } = this.#options
    let deleted = 0
    try {
      while (!this.#hasEnded) {
        const { count, tookMs } = await this.#batch()
        deleted += count
        if (count < BATCH) break
        await sleep(Math.max(MIN_PAUSE_MS, tookMs * REST))
      }
    } catch (error) {
      log.warn('retention.failed', { error })
    }
    if (deleted > 0) log.info('retention.pruned', { deleted })
  }

  async #batch(): Promise<{ count: number; tookMs: number }> {
    const { retention, keepAuditMs, keepUsageMs, keepMs, clock } = this.#options
    const startedAt = clock.monotonic()
    const now = clock.now()
    const usage = new Date(now - keepUsageMs).toISOString().slice(0, 10)
    const before = { audit: now - keepAuditMs, usage, rest: now - keepMs }
    const count = await retention.prune(before, BATCH)
    return { count, tookMs: clock.monotonic() - startedAt }
  }
}
