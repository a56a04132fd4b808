import { Unavailable } from '../domain/person.ts'

export interface TurnOptions {
  /** What is bounded, for the message of a refusal: `password checks`, `identity corp` … */
  readonly what: string
  /** Done at the same time. */
  readonly parallel: number
  /** May wait; where one more comes, the one that has waited longest is refused. */
  readonly waiting: number
}

interface InLine {
  readonly called: () => void
  readonly refused: (why: Unavailable) => void
}

/**
 * So many at a time, so many in line, and for everybody else who comes the oldest in line is refused: a flood neither
 * grows memory nor delays for ever, and those who are served have waited for a moment only, not for the whole line.
 */
export class Turns {
  readonly #options: TurnOptions
  readonly #line = new Set<InLine>()
  #working = 0

  constructor(options: TurnOptions) {
    this.#options = options
  }

  /**
   * Does the work when its turn has come.
   * @param patienceMs how long it may stand in line; without it, for ever.
   * @throws Unavailable where others filled the line or the patience is at its end; and whatever the work throws.
   */
  async take<T>(work: () => Promise<T>, patienceMs?: number): Promise<T> {
    if (this.#working < this.#options.parallel) this.#working += 1
    else await this.#standInLine(patienceMs)
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  #standInLine(patienceMs: number | undefined): Promise<void> {
    const { what, waiting } = this.#options
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const inLine: InLine = {
        called: () => {
          clearTimeout(timer)
          resolve()
        },
        refused: (why) => {
          clearTimeout(timer)
          this.#line.delete(inLine)
          reject(why)
        },
      }
      this.#line.add(inLine)
      const [oldest] = this.#line
      if (this.#line.size > waiting)
        oldest?.refused(new Unavailable(what, `more than ${waiting} are waiting`))
      if (patienceMs === undefined || !this.#line.has(inLine)) return
      timer = setTimeout(() => {
        inLine.refused(new Unavailable(what, `no turn within ${Math.round(patienceMs)} ms`))
      }, patienceMs)
    })
  }

  /** The next in line takes over this place, so the count stays; with nobody in line the place is free. */
  #leave(): void {
    const [next] = this.#line
    if (next === undefined) {
      this.#working -= 1
      return
    }
    this.#line.delete(next)
    next.called()
  }
}
