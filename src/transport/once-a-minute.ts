import type { Clock } from '../domain/clock.ts'

const QUIET_MS = 60_000
const MAX_REMEMBERED = 1000

/** Tells of each thing once a minute and counts it otherwise: a flood must not fill the log. */
export class OnceAMinute {
  readonly #clock: Clock
  readonly #told = new Map<string, { until: number; unsaid: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param tell is given how many of the same were kept back before; nothing where it is told for the first time. */
  tell(what: string, tell: (before: number | undefined) => void): void {
    const now = this.#clock.monotonic()
    const told = this.#told.get(what)
    if (told !== undefined && told.until > now) {
      told.unsaid += 1
      return
    }
    if (told === undefined && this.#told.size >= MAX_REMEMBERED && !this.#forgetOld(now)) return
    this.#told.set(what, { until: now + QUIET_MS, unsaid: 0 })
    tell(told?.unsaid)
  }

  #forgetOld(now: number): boolean {
    for (const [what, { until }] of this.#told) if (until <= now) this.#told.delete(what)
    return this.#told.size < MAX_REMEMBERED
  }
}
