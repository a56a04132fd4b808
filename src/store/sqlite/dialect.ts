import type { DatabaseSync } from 'node:sqlite'
import {
  type DatabaseIntrospector,
  type Dialect,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { ImmediateAdapter } from '../prepared.ts'
import { NodeSqliteDriver } from './driver.ts'
import { Savepoints } from './savepoints.ts'

/** kysely over `node:sqlite`. The caller closes the database. */
export class NodeSqliteDialect implements Dialect {
  readonly #driver: NodeSqliteDriver

  constructor(database: DatabaseSync, savepoints = new Savepoints()) {
    this.#driver = new NodeSqliteDriver(database, savepoints)
  }

  createDriver(): NodeSqliteDriver {
    return this.#driver
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler()
  }

  createAdapter(): SqliteAdapter {
    return new Adapter(this.#driver)
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

class Adapter extends SqliteAdapter implements ImmediateAdapter {
  readonly #driver: NodeSqliteDriver

  constructor(driver: NodeSqliteDriver) {
    super()
    this.#driver = driver
  }

  /** A migration that is cut off leaves nothing behind. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }

  runNow<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    return this.#driver.run<Row>(sql, parameters)
  }

  transactNow<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.#driver.transact(work)
  }
}
