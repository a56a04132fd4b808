import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely'
import { refuseNul } from '../nul.ts'
import { translated } from './errors.ts'
import type { Savepoints } from './savepoints.ts'
import { Statements } from './statements.ts'

/**
 * One connection, for one caller at a time: statements run in the order in which they are asked, and nothing keeps
 * a second caller's out of the first one's transaction.
 *
 * A transaction within one that is open already, as the calls of a group are, becomes a savepoint where those are set.
 */
export class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #connection: NodeSqliteConnection
  readonly #savepoints: Savepoints
  #isNested = false

  constructor(database: DatabaseSync, savepoints: Savepoints) {
    this.#database = database
    this.#savepoints = savepoints
    this.#connection = new NodeSqliteConnection(new Statements(database))
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }

  async beginTransaction(_: DatabaseConnection, { accessMode }: TransactionSettings): Promise<void> {
    this.#isNested = this.#database.isTransaction
    if (this.#isNested) {
      if (this.#savepoints.areSet) this.#connection.run('savepoint call')
      return
    }
    // Immediate: one that begins by reading and writes later fails where another process wrote in between.
    this.#connection.run(accessMode === 'read only' ? 'begin' : 'begin immediate')
  }

  async commitTransaction(): Promise<void> {
    if (!this.#isNested) this.#connection.run('commit')
    else if (this.#savepoints.areSet) this.#connection.run('release call')
  }

  async rollbackTransaction(): Promise<void> {
    // A full disk or a failed write ends the whole transaction at once (https://www.sqlite.org/lang_transaction.html).
    if (!this.#database.isTransaction) return
    if (!this.#isNested) {
      this.#connection.run('rollback')
      return
    }
    if (!this.#savepoints.areSet) {
      this.#savepoints.miss()
      return
    }
    this.#connection.run('rollback to call')
    this.#connection.run('release call')
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #statements: Statements

  constructor(statements: Statements) {
    this.#statements = statements
  }

  run(sql: string, parameters: readonly SQLInputValue[] = []): { rows: unknown[]; changes: number | bigint } {
    try {
      return this.#statements.run(sql, parameters)
    } catch (error) {
      throw translated(error)
    }
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    refuseNul(parameters)
    const { rows, changes } = this.run(sql, parameters as readonly SQLInputValue[])
    return { rows: rows as Row[], numAffectedRows: BigInt(changes) }
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('rows are read as a whole')
  }
}
