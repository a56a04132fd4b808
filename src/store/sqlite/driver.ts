import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely'
import { refuseNul } from '../nul.ts'
import { mapDriverError } from './errors.ts'
import type { Savepoints } from './savepoints.ts'
import { Statements } from './statements.ts'

/**
 * One connection, for one caller at a time: statements run in the order in which they are asked, and nothing keeps
 * a second caller's statements out of the first one's transaction.
 *
 * A transaction within an open one, as the calls of a group are, becomes a savepoint if those are set.
 */
export class NodeSqliteDriver implements Driver, DatabaseConnection {
  readonly #database: DatabaseSync
  readonly #statements: Statements
  readonly #savepoints: Savepoints
  #isNested = false

  constructor(database: DatabaseSync, savepoints: Savepoints) {
    this.#database = database
    this.#statements = new Statements(database)
    this.#savepoints = savepoints
  }

  /** Runs a statement at once. @throws UniqueViolation, Unavailable, or SQLite's error if the statement is wrong */
  run<Row>(sql: string, parameters: readonly unknown[] = []): QueryResult<Row> {
    refuseNul(parameters)
    try {
      const { rows, changes } = this.#statements.run(sql, parameters as readonly SQLInputValue[])
      return { rows: rows as Row[], numAffectedRows: BigInt(changes) }
    } catch (error) {
      throw mapDriverError(error)
    }
  }

  /** Runs a transaction. What it writes is undone if it throws. */
  async transact<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#begin('begin immediate')
    let value: Value
    try {
      value = await work()
    } catch (error) {
      this.#rollback()
      throw error
    }
    this.#commit()
    return value
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return this.run<Row>(sql, parameters)
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('rows are read as a whole')
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this
  }

  async beginTransaction(_: DatabaseConnection, { accessMode }: TransactionSettings): Promise<void> {
    // Immediate: a transaction that reads first fails at its first write if another process wrote in between.
    this.#begin(accessMode === 'read only' ? 'begin' : 'begin immediate')
  }

  async commitTransaction(): Promise<void> {
    this.#commit()
  }

  async rollbackTransaction(): Promise<void> {
    this.#rollback()
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}

  #begin(statement: string): void {
    this.#isNested = this.#database.isTransaction
    if (!this.#isNested) this.run(statement)
    else if (this.#savepoints.areSet) this.run('savepoint call')
  }

  #commit(): void {
    if (!this.#isNested) this.run('commit')
    else if (this.#savepoints.areSet) this.run('release call')
  }

  #rollback(): void {
    // A full disk or a failed write ends the whole transaction at once (https://www.sqlite.org/lang_transaction.html).
    if (!this.#database.isTransaction) return
    if (!this.#isNested) this.run('rollback')
    else if (!this.#savepoints.areSet) this.#savepoints.miss()
    else {
      this.run('rollback to call')
      this.run('release call')
    }
  }
}
