import { type DeadlineOptions, Deadlines, type Timed } from './deadlines.ts'

/** Holds tasks until it is opened, each no longer than its deadline: while it stays shut nothing piles up behind it. */
export class Gate {
  readonly #deadlines: Deadlines
  readonly #waiting = new Map<Timed, () => void>()
  #isOpen = false

  constructor(options: DeadlineOptions) {
    this.#deadlines = new Deadlines(options)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Tasks that wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves when the gate is open or the deadline has come. @param expiresAt monotonic milliseconds. */
  async passed(expiresAt: number): Promise<void> {
    if (this.#isOpen) return
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#waiting.delete(timed)
        resolve()
      }
      const timed = { expiresAt, expire: end }
      this.#waiting.set(timed, end)
      this.#deadlines.add(timed)
    })
  }

  open(): void {
    this.#isOpen = true
    for (const [timed, end] of this.#waiting) {
      this.#deadlines.remove(timed)
      end()
    }
  }
}
