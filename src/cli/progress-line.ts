import type { Clock } from '../domain/clock.ts'

/** Milliseconds between two updates of a terminal's line, and between two lines elsewhere. */
const ON_A_TERMINAL_MS = 100
const ELSEWHERE_MS = 5000

/** Shows on standard error how far a long piece of work has come. */
export class ProgressLine {
  readonly #what: string
  readonly #clock: Clock
  readonly #out: NodeJS.WriteStream
  #toldAt = Number.NEGATIVE_INFINITY

  /** @param what is being done: `checking lines`. */
  constructor(what: string, clock: Clock, out: NodeJS.WriteStream = process.stderr) {
    this.#what = what
    this.#clock = clock
    this.#out = out
  }

  /** The last update, with nothing left to do, is always shown. */
  tell(done: number, all: number): void {
    const now = this.#clock.monotonic()
    const { isTTY } = this.#out
    if (done < all && now - this.#toldAt < (isTTY ? ON_A_TERMINAL_MS : ELSEWHERE_MS)) return
    this.#toldAt = now
    const text = `${this.#what}: ${done} of ${all}`
    this.#out.write(isTTY && done < all ? `\r${text}` : isTTY ? `\r${text}\n` : `${text}\n`)
  }
}
