import type { Clock } from '../domain/clock.ts'

export interface LogThrottleOptions {
  /** Lines of one kind in each period (1). */
  readonly lines?: number
  /** Milliseconds of a period (60,000). */
  readonly periodMs?: number
  readonly clock: Clock
}

interface Period {
  start: number
  written: number
  suppressed: number
}

const MAX_KINDS = 1000

/** Limits how many log lines of each kind are written and counts the others, so that a flood cannot fill the log. */
export class LogThrottle {
  readonly #lines: number
  readonly #periodMs: number
  readonly #clock: Clock
  readonly #kinds = new Map<string, Period>()

  constructor({ lines = 1, periodMs = 60_000, clock }: LogThrottleOptions) {
    this.#lines = lines
    this.#periodMs = periodMs
    this.#clock = clock
  }

  /** @param write called where a line may be written, with the number of lines of the kind suppressed before it, if any. */
  tell(kind: string, write: (suppressed: number | undefined) => void): void {
    const period = this.#periodOf(kind)
    if (period === undefined) return
    if (period.written >= this.#lines) {
      period.suppressed += 1
      return
    }
    const { suppressed } = period
    period.written += 1
    period.suppressed = 0
    write(suppressed === 0 ? undefined : suppressed)
  }

  /** @returns undefined where too many kinds have a period that is not over. */
  #periodOf(kind: string): Period | undefined {
    const now = this.#clock.monotonic()
    const known = this.#kinds.get(kind)
    if (known !== undefined) {
      if (now - known.start >= this.#periodMs) {
        known.start = now
        known.written = 0
      }
      return known
    }
    if (this.#kinds.size >= MAX_KINDS && !this.#forgetOld(now)) return undefined
    const period = { start: now, written: 0, suppressed: 0 }
    this.#kinds.set(kind, period)
    return period
  }

  #forgetOld(now: number): boolean {
    for (const [kind, { start }] of this.#kinds) if (now - start >= this.#periodMs) this.#kinds.delete(kind)
    return this.#kinds.size < MAX_KINDS
  }
}
