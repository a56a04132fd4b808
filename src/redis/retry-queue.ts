import type { Clock } from '../domain/clock.ts'

/** @param agoMs how long ago the operation was due. */
export type RetryOperation = (agoMs: number) => Promise<void>

export interface RetryQueueOptions {
  /** Milliseconds after which an operation is not worth doing any more. */
  readonly maxAgeMs: number
  readonly clock: Clock
  /** Operations that can wait; with more, the oldest is dropped (10,000, about 10 MB). */
  readonly capacity?: number
  /** Milliseconds between two tries (100). */
  readonly intervalMs?: number
}

interface Pending {
  readonly operation: RetryOperation
  readonly since: number
}

const MAX_OPERATIONS = 10_000
const INTERVAL_MS = 100
/** Operations that are tried at one time. */
const BATCH = 100

/**
 * Operations that could not reach a store, retried oldest first until it answers. An operation may be done twice, as it
 * may have been done when the store went away.
 */
export class RetryQueue {
  readonly #options: RetryQueueOptions
  readonly #pending = new Set<Pending>()
  #maxAgeMs: number
  #timer: NodeJS.Timeout | undefined
  #isFlushing = false
  #isClosed = false

  constructor(options: RetryQueueOptions) {
    this.#options = options
    this.#maxAgeMs = options.maxAgeMs
  }

  /** Keeps operations at least this long, in milliseconds. */
  keepFor(ms: number): void {
    this.#maxAgeMs = Math.max(this.#maxAgeMs, ms)
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0
  }

  /** @param since monotonic milliseconds at which the operation was due. */
  add(operation: RetryOperation, since: number): void {
    this.#pending.add({ operation, since })
    for (const oldest of this.#pending) {
      if (this.#pending.size <= (this.#options.capacity ?? MAX_OPERATIONS)) break
      this.#pending.delete(oldest)
    }
    this.#schedule()
  }

  /** Tries at once. Call it when the store is known to answer again. */
  flush(): void {
    if (this.#isFlushing || this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isFlushing = true
    void this.#tryAll().then(() => {
      this.#isFlushing = false
      this.#schedule()
    })
  }

  /** Stops trying; `isEmpty` goes on saying whether anything is left. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.isEmpty || this.#isFlushing || this.#isClosed || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.flush(), this.#options.intervalMs ?? INTERVAL_MS).unref()
  }

  /** Never rejects: an operation that fails stays in the queue. */
  async #tryAll(): Promise<void> {
    // The first operation finds out whether the store answers.
    for (let size = 1; !this.isEmpty; size = BATCH) {
      const outcomes = await Promise.allSettled(this.#next(size).map((pending) => this.#try(pending)))
      if (outcomes.some(({ status }) => status === 'rejected')) return
    }
  }

  #next(size: number): readonly Pending[] {
    const expired = this.#options.clock.monotonic() - this.#maxAgeMs
    const batch: Pending[] = []
    for (const pending of this.#pending) {
      if (pending.since < expired) this.#pending.delete(pending)
      else if (batch.push(pending) === size) break
    }
    return batch
  }

  async #try(pending: Pending): Promise<void> {
    await pending.operation(this.#options.clock.monotonic() - pending.since)
    this.#pending.delete(pending)
  }
}
