import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** More texts than the records' queries have; the variable ones are those with lists of values. */
const KEPT = 256

interface Prepared {
  readonly statement: StatementSync
  /** Whether it gives rows. */
  readonly reads: boolean
}

/** Compiles each text once, and keeps `KEPT` of them: those unused for longest are dropped first. */
export class Statements {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, Prepared>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  run(sql: string, parameters: readonly SQLInputValue[]): { rows: unknown[]; changes: number | bigint } {
    const { statement, reads } = this.#prepare(sql)
    if (reads) return { rows: statement.all(...parameters), changes: 0 }
    return { rows: [], changes: statement.run(...parameters).changes }
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    // A map keeps the order of insertion, so the first is the one that was used longest ago.
    if (known !== undefined) this.#prepared.delete(sql)
    const prepared = known ?? this.#compile(sql)
    this.#prepared.set(sql, prepared)
    return prepared
  }

  #compile(sql: string): Prepared {
    const statement = this.#database.prepare(sql)
    const [oldest] = this.#prepared.keys()
    if (this.#prepared.size >= KEPT && oldest !== undefined) this.#prepared.delete(oldest)
    return { statement, reads: statement.columns().length > 0 }
  }
}
