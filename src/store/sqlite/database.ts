import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { migrate } from '../migrate.ts'
import type { Tables } from '../schema.ts'
import { IN_MEMORY, type StoreFile } from './calls.ts'
import { checkSchema, markAsOurs, toOperatorError } from './check-schema.ts'
import { NodeSqliteDialect } from './dialect.ts'
import { prepareFile } from './prepare-file.ts'
import { Savepoints } from './savepoints.ts'

/** Octets of the write-ahead log that a checkpoint leaves for reuse. */
const LOG_KEPT = 64 * 2 ** 20
/**
 * Pages of the write-ahead log after which they are folded into the file, while the writers wait. Logins change many
 * of the same pages again and again. With SQLite's 1,000 and its cache of 2 MiB, a fifth fewer logins were answered.
 */
const CHECKPOINT_PAGES = 8000
/** KiB of pages that a connection keeps: SQLite's 2 MiB do not hold what a group of logins changes. */
const CACHE_KIB = 65_536

export interface OpenDatabase {
  readonly database: DatabaseSync
  readonly db: Kysely<Tables>
  /** Of the transactions of `db` within another one. */
  readonly savepoints: Savepoints
}

/**
 * Makes, examines and migrates the file as needed.
 * @throws Error that names the file and says what to do; a file that is refused is left as it is.
 */
export async function openForWriting({ path, busyMs }: StoreFile): Promise<OpenDatabase> {
  if (path !== IN_MEMORY) prepareFile(path)
  const database = new DatabaseSync(path, { timeout: busyMs })
  const savepoints = new Savepoints()
  const db = queriesOver(database, savepoints)
  try {
    await checkSchema(path, database, db)
    markAsOurs(database)
    if (path !== IN_MEMORY) database.exec('pragma journal_mode = wal')
    database.exec(`pragma journal_size_limit = ${LOG_KEPT}`)
    database.exec(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    database.exec(`pragma cache_size = ${-CACHE_KIB}`)
    // An acknowledged write has reached the disk, not only the write-ahead log's place in memory.
    database.exec('pragma synchronous = full')
    harden(database)
    await migrate(db)
  } catch (error) {
    database.close()
    throw toOperatorError(path, error)
  }
  return { database, db, savepoints }
}

/** For a file that another thread of this process has opened for writing. */
export function openForReading({ path, busyMs }: StoreFile): OpenDatabase {
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyMs })
  database.exec(`pragma cache_size = ${-CACHE_KIB}`)
  harden(database)
  const savepoints = new Savepoints()
  return { database, db: queriesOver(database, savepoints), savepoints }
}

/** A schema that somebody wrote into the file must not run code, and nothing is spilled into other files. */
function harden(database: DatabaseSync): void {
  database.exec('pragma trusted_schema = off')
  database.exec('pragma foreign_keys = on')
  database.exec('pragma temp_store = memory')
}

function queriesOver(database: DatabaseSync, savepoints: Savepoints): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new NodeSqliteDialect(database, savepoints) })
}
