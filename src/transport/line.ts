import type { Clock } from '../domain/clock.ts'

export interface LineOptions {
  /** Worked on at one time. */
  readonly parallel: number
  /** May wait; where one more comes, the one that has waited longest is sent away. */
  readonly waiting: number
  readonly clock: Clock
}

/** Why work was never begun: others came where no room was, or nobody waits for it any more. */
export type Shed = 'overloaded' | 'too_late'

interface Waiting {
  /** Monotonic milliseconds. */
  readonly until: number
  readonly settle: (shed: Shed | undefined) => void
}

/**
 * Work in the order in which it came, so much at a time. Under a load that cannot be served whoever came last has most
 * of the deadline left, and whoever came first the least: so it is the oldest that are given up.
 */
export class Line {
  readonly #options: LineOptions
  readonly #waiting = new Set<Waiting>()
  #working = 0

  constructor(options: LineOptions) {
    this.#options = options
  }

  /** @param until monotonic milliseconds after which nobody waits for the outcome. */
  async take<T extends object | undefined>(until: number, work: () => Promise<T>): Promise<T | Shed> {
    if (this.#working < this.#options.parallel) this.#working += 1
    else {
      const shed = await this.#wait(until)
      if (shed !== undefined) return shed
    }
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  #wait(until: number): Promise<Shed | undefined> {
    return new Promise((settle) => {
      this.#waiting.add({ until, settle })
      const [oldest] = this.#waiting
      if (this.#waiting.size > this.#options.waiting && oldest !== undefined) this.#call(oldest, 'overloaded')
    })
  }

  /** The next for whom somebody still waits takes over the place, so the count stays; with nobody it is free. */
  #next(): void {
    const now = this.#options.clock.monotonic()
    for (const first of this.#waiting) {
      const isTooLate = first.until <= now
      this.#call(first, isTooLate ? 'too_late' : undefined)
      if (!isTooLate) return
    }
    this.#working -= 1
  }

  #call(waiting: Waiting, shed: Shed | undefined): void {
    this.#waiting.delete(waiting)
    waiting.settle(shed)
  }
}
