import type { AccountingRecord } from '../domain/session.ts'
import { Spool, type SpoolOptions } from './spool.ts'

/**
 * The spool of one process, and those that processes before it have left, which it delivers for them. No two processes
 * ever have the same one at a time.
 */
export class Spools {
  readonly #options: SpoolOptions
  readonly #own: Spool
  readonly #left: Spool[] = []

  /** @throws Error that names the folder where it cannot be written. */
  constructor(options: SpoolOptions) {
    this.#options = options
    this.#own = new Spool(options)
  }

  /** Delivers from now on. @param left names of spools that belong to no process any more. */
  begin(left: readonly string[]): void {
    this.#own.begin()
    for (const name of new Set(left)) {
      if (name === this.#options.name) continue
      const spool = new Spool({ ...this.#options, name })
      this.#left.push(spool)
      spool.begin()
    }
  }

  /** Resolves when the record is on the disk. @throws Unavailable where there is no room. */
  append(record: AccountingRecord): Promise<void> {
    return this.#own.append(record)
  }

  /** Takes what is being delivered to its end. */
  async close(): Promise<void> {
    await Promise.all([this.#own, ...this.#left].map((spool) => spool.close()))
  }
}
