import type { DatabaseSync } from 'node:sqlite'
import {
  type DatabaseIntrospector,
  type Dialect,
  type Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { NodeSqliteDriver } from './driver.ts'
import { Savepoints } from './savepoints.ts'

/** kysely over `node:sqlite`. The database is the caller's to close. */
export class NodeSqliteDialect implements Dialect {
  readonly #database: DatabaseSync
  readonly #savepoints: Savepoints

  constructor(database: DatabaseSync, savepoints = new Savepoints()) {
    this.#database = database
    this.#savepoints = savepoints
  }

  createDriver(): NodeSqliteDriver {
    return new NodeSqliteDriver(this.#database, this.#savepoints)
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler()
  }

  createAdapter(): SqliteAdapter {
    return new Adapter()
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

class Adapter extends SqliteAdapter {
  /** A migration that is cut off leaves nothing behind. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}
