import { Unavailable } from '../domain/person.ts'

export interface TurnOptions {
  /** What is bounded, for the message of a refusal: `password checks`, `identity corp` … */
  readonly what: string
  /** Done at the same time. */
  readonly parallel: number
  /** May wait; one more is refused at once. */
  readonly waiting: number
}

/** So many at a time, so many in line, and everybody else is refused: a flood neither grows memory nor delays for ever. */
export class Turns {
  readonly #options: TurnOptions
  readonly #line = new Set<() => void>()
  #working = 0

  constructor(options: TurnOptions) {
    this.#options = options
  }

  /**
   * Does the work when its turn has come.
   * @param patienceMs how long it may stand in line; without it, for ever.
   * @throws Unavailable where the line is full or the patience is at its end; and whatever the work throws.
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
    if (this.#line.size >= waiting) {
      return Promise.reject(new Unavailable(what, `${waiting} are waiting already`))
    }
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const called = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#line.add(called)
      if (patienceMs === undefined) return
      timer = setTimeout(() => {
        this.#line.delete(called)
        reject(new Unavailable(what, `no turn within ${Math.round(patienceMs)} ms`))
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
    next()
  }
}
