import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'

/** Refusals of one kind that are remembered: enough for a steady measure, few enough to follow a change of load. */
const REMEMBERED = 31
/**
 * So many of a kind come in its usual time. With the middle one, half of the slowest kind would come later than all that
 * is held, and those of a store that vary among themselves could be told apart.
 */
const USUAL_PART = 0.75
/** No refusal is held longer than this, in milliseconds: while ocserv waits, every user of the gateway waits. */
const LONGEST_MS = 1500

/**
 * Makes refusals take equally long, whoever was asked: a wrong password at a local hash and one at a distant directory,
 * an unknown user for whom everybody was asked, a locked one for whom nobody was. Each kind of refusal is timed, and
 * every one is held until the usual time of the slowest kind, so that speed tells nobody which names exist.
 */
export class Pace {
  readonly #clock: Clock
  readonly #kinds = new Map<string, number[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns the moment at which a question is taken up, for `hold`. */
  start(): number {
    return this.#clock.monotonic()
  }

  /**
   * Resolves when the refusal may go out.
   * @param kind where it was decided: an identity store's name, or `unknown`, `locked`; a handful in all.
   * @param begun what `start` returned.
   */
  async hold(kind: string, begun: number): Promise<void> {
    const took = this.#clock.monotonic() - begun
    this.#note(kind, Math.min(took, LONGEST_MS))
    const rest = this.#usual() - took
    if (rest > 0) await sleep(Math.ceil(rest))
  }

  #note(kind: string, ms: number): void {
    const recent = this.#kinds.get(kind) ?? []
    recent.push(ms)
    if (recent.length > REMEMBERED) recent.shift()
    this.#kinds.set(kind, recent)
  }

  #usual(): number {
    return Math.max(...[...this.#kinds.values()].map(usualOf))
  }
}

function usualOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * USUAL_PART)] ?? 0
}
