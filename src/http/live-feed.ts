import type { AuditEvent, AuditStore } from '../domain/audit.ts'
import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { earliestId } from '../domain/record-id.ts'

export interface LiveFeedOptions {
  readonly trail: Pick<AuditStore, 'list'>
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds between two polls of the audit trail. */
  readonly everyMs?: number
}

type Listener = (events: readonly AuditEvent[]) => void

/** Events per poll; if there are more, the rest follow with the next poll. */
const MAX_EVENTS = 1000
/**
 * How far back each poll reads. An identifier is made before its event is written, so that an event may appear after
 * newer ones; the clocks of several brokers differ too.
 */
const OVERLAP_MS = 3_000

/**
 * New events of the audit trail from all brokers, oldest first, each once. Polls only while there are listeners.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions
  readonly #listeners = new Set<Listener>()
  /** Identifiers within the overlap that were delivered already. */
  #delivered = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isPolling = false

  constructor(options: LiveFeedOptions) {
    this.#options = options
  }

  /** @returns a function that ends the listening. */
  listen(listener: Listener): () => void {
    if (this.#listeners.size === 0) this.#start()
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#stop()
    }
  }

  #start(): void {
    const { clock, everyMs = 1000 } = this.#options
    // Events before the first listener are not new.
    let from = clock.now()
    this.#delivered = new Set()
    this.#timer = setInterval(() => {
      if (this.#isPolling) return
      this.#isPolling = true
      void this.#poll(from)
        .then((until) => {
          from = until
        })
        .catch((error: unknown) => this.#options.log.warn('http.feed_lost', { error }))
        .finally(() => {
          this.#isPolling = false
        })
    }, everyMs)
    this.#timer.unref()
  }

  #stop(): void {
    clearInterval(this.#timer)
  }

  /** @returns where the next poll starts, in wall milliseconds. */
  async #poll(from: number): Promise<number> {
    const { trail, clock } = this.#options
    const now = clock.now()
    const events = await trail.list({ after: earliestId(from), order: 'oldest', limit: MAX_EVENTS })
    const fresh = events.filter(({ id }) => !this.#delivered.has(id))
    if (fresh.length > 0) for (const listener of this.#listeners) listener(fresh)
    const isAll = events.length < MAX_EVENTS
    const until = isAll ? Math.max(from, now - OVERLAP_MS) : Math.max(from, lastTimeOf(events) - 1)
    // Events before the start of the next poll are not read again.
    const floor = earliestId(until)
    this.#delivered = new Set(events.map(({ id }) => id).filter((id) => id > floor))
    return until
  }
}

function lastTimeOf(events: readonly AuditEvent[]): number {
  const id = events.at(-1)?.id ?? ''
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
