import type { AuditEvent } from '../domain/audit.ts'
import type { AuditTrail } from '../domain/audit-search.ts'
import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { earliestId } from '../domain/record-id.ts'

export interface LiveFeedOptions {
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds between two looks at the trail. */
  readonly everyMs?: number
}

type Listener = (events: readonly AuditEvent[]) => void

/** Events that are read at one look; where more come, the oldest of them are told first and the others at the next. */
const MOST = 1000
/**
 * How far back each look goes. Identifiers are made before their events are written, so one may turn up behind others
 * that are younger; brokers' clocks differ a little, too.
 */
const OVERLAP_MS = 3_000

/**
 * New events of the audit trail, whichever broker wrote them, oldest first and each once. The trail is looked at only
 * while somebody listens.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions
  readonly #listeners = new Set<Listener>()
  /** Identifiers of the overlap that were told. */
  #told = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isLooking = false

  constructor(options: LiveFeedOptions) {
    this.#options = options
  }

  /** @returns what ends the listening. */
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
    // What happened before the first listener came is not new.
    let from = clock.now()
    this.#told = new Set()
    this.#timer = setInterval(() => {
      if (this.#isLooking) return
      this.#isLooking = true
      void this.#look(from)
        .then((until) => {
          from = until
        })
        .catch((error: unknown) => this.#options.log.warn('http.feed_lost', { error }))
        .finally(() => {
          this.#isLooking = false
        })
    }, everyMs)
    this.#timer.unref()
  }

  #stop(): void {
    clearInterval(this.#timer)
  }

  /** @returns from when the next look goes on. */
  async #look(from: number): Promise<number> {
    const { trail, clock } = this.#options
    const now = clock.now()
    const events = await trail.search({ after: earliestId(from), order: 'oldest', limit: MOST })
    const fresh = events.filter(({ id }) => !this.#told.has(id))
    if (fresh.length > 0) for (const listener of this.#listeners) listener(fresh)
    const isAll = events.length < MOST
    const until = isAll ? Math.max(from, now - OVERLAP_MS) : Math.max(from, lastTimeOf(events) - 1)
    // What lies before the next look is never read again, so it need not be remembered.
    const floor = earliestId(until)
    this.#told = new Set(events.map(({ id }) => id).filter((id) => id > floor))
    return until
  }
}

function lastTimeOf(events: readonly AuditEvent[]): number {
  const id = events.at(-1)?.id ?? ''
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
