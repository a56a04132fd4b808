import type { Tally } from '../domain/attempt-limits.ts'
import type { AuditEvent, AuditStore } from '../domain/audit.ts'
import type { Runtime } from '../domain/runtime.ts'
import { Deadlines } from '../pacing/deadlines.ts'

export interface RepeatedEventsOptions extends Pick<Runtime, 'clock' | 'random' | 'log'> {
  /** Counts for all processes and brokers. */
  readonly tally: Tally
  readonly audit: Pick<AuditStore, 'append'>
  /** Milliseconds that one event stands for. */
  readonly windowMs: number
}

const CHECKED_EVERY_MS = 1000

/**
 * Writes few events for what is repeated, each with its number of times, so that a flood does not fill the audit trail.
 * The process that counts the first of a window writes the event at its end, for all processes and brokers.
 */
export class RepeatedEvents {
  readonly #options: RepeatedEventsOptions
  readonly #windows: Deadlines

  constructor(options: RepeatedEventsOptions) {
    this.#options = options
    this.#windows = new Deadlines({ clock: options.clock, intervalMs: CHECKED_EVERY_MS })
  }

  /** Writes the first of a window at once, and at its end an event for the others, if there are any. @throws Unavailable */
  async tellFirst(key: string, event: AuditEvent): Promise<void> {
    if (await this.#isFirst(key, event, 1)) await this.#options.audit.append(event)
  }

  /** Writes one event at the end of the window, for all of them. @throws Unavailable */
  async tellAtEnd(key: string, event: AuditEvent): Promise<void> {
    await this.#isFirst(key, event, 0)
  }

  /** @param told how many of the window the trail has already when it ends. */
  async #isFirst(key: string, event: AuditEvent, told: number): Promise<boolean> {
    const { tally, clock, windowMs } = this.#options
    if ((await tally.add(key)) > 1) return false
    const expiresAt = clock.monotonic() + windowMs
    this.#windows.add({ expiresAt, expire: () => void this.#end(key, event, told) })
    return true
  }

  async #end(key: string, event: AuditEvent, told: number): Promise<void> {
    const { tally, audit, clock, random, log } = this.#options
    try {
      const times = (await tally.end(key)) - told
      if (times > 0)
        await audit.append({
          ...event,
          id: random.id(),
          at: clock.now(),
          times,
          attempt: undefined,
          steps: undefined,
        })
    } catch (error) {
      log.warn('audit.lost', { kind: event.kind, error })
    }
  }
}
