import type { Clock } from '../domain/clock.ts'
import { OldestFirst } from '../domain/oldest-first.ts'

/** @param agoMs for how long it has been owed. */
export type Debt = (agoMs: number) => Promise<void>

export interface OwedOptions {
  /** Milliseconds after which it does not matter any more. */
  readonly forMs: number
  readonly clock: Clock
  /** Debts at once; where there are more the oldest is forgotten (10,000, about 10 MB). */
  readonly atMost?: number
  /** Milliseconds from one try to the next (100). */
  readonly retryMs?: number
}

interface Owing {
  readonly debt: Debt
  readonly since: number
}

const AT_MOST = 10_000
const RETRY_MS = 100
/** Done at one time. */
const BATCH = 100

/**
 * What a store that is away must still be told, the oldest first, as soon as it answers. A debt may be done twice: it
 * may have been done already when the store went away.
 */
export class Owed {
  readonly #options: OwedOptions
  readonly #owing = new OldestFirst<Owing>()
  #number = 0
  #timer: NodeJS.Timeout | undefined
  #isPaying = false
  #isClosed = false

  constructor(options: OwedOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#owing.size === 0
  }

  /** @param since monotonic milliseconds at which it was to be done. */
  add(debt: Debt, since: number): void {
    const { atMost = AT_MOST } = this.#options
    this.#owing.set(String(this.#number++), { debt, since })
    while (this.#owing.size > atMost) this.#owing.delete(this.#owing.oldest?.key ?? '')
    this.#later()
  }

  /** The store answers again. */
  pay(): void {
    if (this.#isPaying || this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isPaying = true
    void this.#payAll().then(() => {
      this.#isPaying = false
      this.#later()
    })
  }

  /** What is owed still stays so. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #later(): void {
    if (this.isEmpty || this.#isPaying || this.#isClosed || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.pay(), this.#options.retryMs ?? RETRY_MS).unref()
  }

  /** Never rejects: whatever a debt fails with, it is owed still. */
  async #payAll(): Promise<void> {
    const { clock, forMs } = this.#options
    // The first one finds out whether the store is there.
    for (let size = 1; !this.isEmpty; size = BATCH) {
      const oldest = clock.monotonic() - forMs
      this.#owing.dropWhile(({ since }) => since < oldest)
      const outcomes = await Promise.allSettled(this.#first(size).map((key) => this.#payOne(key)))
      if (outcomes.some(({ status }) => status === 'rejected')) return
    }
  }

  #first(size: number): readonly string[] {
    const keys: string[] = []
    for (const [key] of this.#owing) {
      if (keys.length === size) break
      keys.push(key)
    }
    return keys
  }

  async #payOne(key: string): Promise<void> {
    const owing = this.#owing.get(key)
    if (owing === undefined) return
    await owing.debt(this.#options.clock.monotonic() - owing.since)
    this.#owing.delete(key)
  }
}
