import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import type { Tables } from '../../src/store/schema.ts'
import { IN_MEMORY } from '../../src/store/sqlite/calls.ts'
import { type OpenDatabase, openForWriting } from '../../src/store/sqlite/database.ts'
import { NodeSqliteDialect } from '../../src/store/sqlite/dialect.ts'
import { Savepoints } from '../../src/store/sqlite/savepoints.ts'

let migrated: Promise<Uint8Array> | undefined

/** A database in memory and in this thread. Its schema is a copy: the migrations take twenty times as long. */
export async function openInMemory(): Promise<OpenDatabase> {
  migrated ??= migratedDatabase()
  const database = new DatabaseSync(IN_MEMORY)
  database.deserialize(await migrated)
  database.exec('pragma foreign_keys = on')
  const savepoints = new Savepoints()
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database, savepoints) })
  return { database, db, savepoints }
}

async function migratedDatabase(): Promise<Uint8Array> {
  const { database } = await openForWriting({ path: IN_MEMORY, readOnly: false, busyMs: 0 })
  const copy = database.serialize()
  database.close()
  return copy
}
