import type { AccountingReport } from '../domain/session.ts'
import { Spool, type SpoolOptions } from './spool.ts'

/** The spool of this process, and those that ended processes have left. No two processes have the same one at a time. */
export class Spools {
  readonly #options: SpoolOptions
  readonly #own: Spool
  readonly #left: Spool[] = []

  /** @throws Error that names the folder if it cannot be written. */
  constructor(options: SpoolOptions) {
    this.#options = options
    this.#own = new Spool(options)
  }

  /** Starts to deliver. @param left names of spools that no process owns any more. */
  begin(left: readonly string[]): void {
    this.#own.begin()
    for (const name of new Set(left)) {
      if (name === this.#options.name) continue
      const spool = new Spool({ ...this.#options, name })
      this.#left.push(spool)
      spool.begin()
    }
  }

  /** Resolves when the record is on the disk. @throws Unavailable if there is no room. */
  append(record: AccountingReport): Promise<void> {
    return this.#own.append(record)
  }

  /** Completes the deliveries that are running. */
  async close(): Promise<void> {
    await Promise.all([this.#own, ...this.#left].map((spool) => spool.close()))
  }
}
