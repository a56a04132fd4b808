interface Kept<Answer> {
  /** Monotonic milliseconds at which it was asked for, and how long that took. */
  readonly at: number
  readonly tookMs: number
  readonly answer: Answer
}

/** An answer is fresh for this long, and for so many times what it took: counting never takes more than a small share. */
const FRESH_MS = 2000
const FRESH_TIMES = 20
/** An older one is shown once more, while the next is sought. */
const STALE_MS = 30_000
const MOST_KEPT = 200

/** Counts of the records that are asked for again and again, by many at a time. */
export class KeptAnswers {
  readonly #now: () => number
  readonly #kept = new Map<string, Kept<unknown>>()
  readonly #asked = new Map<string, Promise<unknown>>()

  /** @param now monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @param key says all that the answer depends on. @throws what `find` throws, which is not kept. */
  async get<Answer>(key: string, find: () => Promise<Answer>): Promise<Answer> {
    const kept = this.#kept.get(key) as Kept<Answer> | undefined
    const age = kept === undefined ? 0 : this.#now() - kept.at
    if (kept !== undefined && age < Math.max(FRESH_MS, kept.tookMs * FRESH_TIMES)) return kept.answer
    const next = this.#ask(key, find)
    if (kept === undefined || age > STALE_MS + kept.tookMs * FRESH_TIMES) return next
    // Whoever waits for the next one is told of its failure.
    next.catch(() => {})
    return kept.answer
  }

  #ask<Answer>(key: string, find: () => Promise<Answer>): Promise<Answer> {
    const asked = this.#asked.get(key) as Promise<Answer> | undefined
    if (asked !== undefined) return asked
    const at = this.#now()
    const next = find()
      .then((answer) => {
        this.#kept.delete(key)
        this.#kept.set(key, { at, tookMs: this.#now() - at, answer })
        const [oldest] = this.#kept.keys()
        if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest)
        return answer
      })
      .finally(() => this.#asked.delete(key))
    this.#asked.set(key, next)
    return next
  }
}
