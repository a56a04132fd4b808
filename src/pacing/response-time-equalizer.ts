import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'
import type { Randomness } from '../domain/random.ts'

/** Refusals of one kind that are remembered: enough for a steady measure, few enough to follow a change of load. */
const SAMPLE_SIZE = 31
/** The part of the slowest kind's refusals that takes no longer than the others are held. */
const PERCENTILE = 0.75
/** What an answer still needs on its way before its deadline, in milliseconds. */
const MARGIN_MS = 100
/** Octets of a random number. */
const DRAW_OCTETS = 4

/**
 * Makes refusals take equally long wherever they are decided: a wrong password at a local hash or at a distant
 * directory, an unknown user whom every store was asked about, a locked one for whom none was asked. Each kind of
 * refusal is timed, and every one is held until the usual time of the slowest kind, so that the speed of an answer does
 * not tell which names exist. The slowest kind sometimes takes longer than usual. So as often as it does, a faster one is
 * held as long as one of those took: otherwise a late answer would tell that a slow store knows the name.
 */
export class ResponseTimeEqualizer {
  readonly #clock: Clock
  readonly #random: Pick<Randomness, 'bytes'>
  readonly #kinds = new Map<string, number[]>()

  constructor(clock: Clock, random: Pick<Randomness, 'bytes'>) {
    this.#clock = clock
    this.#random = random
  }

  /** @returns the moment at which a question is taken up, for `answerAt`. */
  start(): number {
    return this.#clock.monotonic()
  }

  /**
   * Remembers how long a refusal took.
   * @param kind where it was decided: an identity store's name, or `unknown`, `locked`; a handful in all.
   * @param startedAt what `start` returned.
   * @param deadline when its answer must be out, in monotonic milliseconds.
   * @returns when it may go out, in monotonic milliseconds.
   */
  answerAt(kind: string, startedAt: number, deadline: number): number {
    const recent = this.#kinds.get(kind) ?? []
    recent.push(this.#clock.monotonic() - startedAt)
    if (recent.length > SAMPLE_SIZE) recent.shift()
    this.#kinds.set(kind, recent)
    return Math.min(startedAt + this.#duration(recent), deadline - MARGIN_MS)
  }

  /** How long a refusal of a kind takes in all, in milliseconds, unless it has taken longer by itself. */
  #duration(own: readonly number[]): number {
    const kinds = [...this.#kinds.values()].map((values) => ({ values, usual: usualOf(values) }))
    const { values, usual } = kinds.reduce((one, other) => (other.usual > one.usual ? other : one))
    const late = values.filter((ms) => ms > usual)
    // How often the slowest kind and this one are later than usual: the difference is made up by chance.
    const wanted = oftenLater(late.length, values.length)
    const natural = own === values ? wanted : oftenLater(own.filter((ms) => ms > usual).length, own.length)
    if (natural >= wanted || this.#draw() >= (wanted - natural) / (1 - natural)) return usual
    return late[Math.floor(this.#draw() * late.length)] ?? usual
  }

  /** From 0, below 1. */
  #draw(): number {
    return this.#random.bytes(DRAW_OCTETS).readUInt32BE() / 2 ** (8 * DRAW_OCTETS)
  }
}

/** How likely the next one is later than a time that so many of the last ones were later than. */
function oftenLater(late: number, all: number): number {
  return late === 0 ? 0 : (late + 1) / (all + 1)
}

function usualOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * PERCENTILE)] ?? 0
}

/** Resolves at the time, in monotonic milliseconds. It is no place of anything bounded: whatever waits here only waits. */
export async function waitUntil(at: number | undefined, clock: Clock): Promise<void> {
  const rest = (at ?? 0) - clock.monotonic()
  if (rest > 0) await sleep(Math.ceil(rest))
}
