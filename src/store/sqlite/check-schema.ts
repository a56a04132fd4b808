import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { messageOf } from '../../domain/errors.ts'
import { unknownMigrations } from '../migrate.ts'
import type { Tables } from '../schema.ts'
import { resultCode } from './errors.ts'

/** `OCBR`: marks the file as ours (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x4f434252

/**
 * Octets. A file of up to this size is read as a whole at every start, half a second for the largest;
 * in a larger one SQLite notices damage only when it comes upon it.
 */
const CHECKED_UP_TO = 256 * 2 ** 20

/** Reads a database before anything is written to it. @throws Error where it is damaged, foreign, or of a newer version. */
export async function checkSchema(path: string, database: DatabaseSync, db: Kysely<Tables>): Promise<void> {
  // In this order: another process that is making the file marks it before it makes the first table.
  const isEmpty = number(database, 'select count(*) from sqlite_master') === 0
  if (!isEmpty && number(database, 'pragma application_id') !== APPLICATION_ID) {
    throw new Error(
      `${path} is the database of another program. Nothing was changed: name another file as storage.sqlite`,
    )
  }
  if (number(database, 'pragma page_count') * number(database, 'pragma page_size') <= CHECKED_UP_TO) {
    const [finding] = values(database, 'pragma quick_check(1)')
    if (finding !== 'ok') throw new Error(damaged(path, String(finding)))
  }
  const [newer] = await unknownMigrations(db)
  if (newer !== undefined) {
    throw new Error(
      `${path} was written by a newer version of ocbroker (it has "${newer}"). Nothing was changed: start that version again, or restore the copy of the file that was made before the update`,
    )
  }
}

export function markAsOurs(database: DatabaseSync): void {
  if (number(database, 'pragma application_id') !== APPLICATION_ID) {
    database.exec(`pragma application_id = ${APPLICATION_ID}`)
  }
}

/** The same error in words for the operator. */
export function toOperatorError(path: string, error: unknown): Error {
  const why = messageOf(error)
  switch (resultCode(error)) {
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return new Error(damaged(path, why), { cause: error })
    case 5: // SQLITE_BUSY
      return new Error(
        `${path} is being written by another process and did not become free (${why}). Stop that process, or try again`,
        { cause: error },
      )
    case 8: // SQLITE_READONLY
    case 10: // SQLITE_IOERR
    case 13: // SQLITE_FULL
    case 14: // SQLITE_CANTOPEN
      return new Error(
        `${path} cannot be written (${why}). See to the disk it lies on, its space, and the right to write to the file and its folder`,
        { cause: error },
      )
    default:
      return error instanceof Error ? error : new Error(why)
  }
}

function damaged(path: string, finding: string): string {
  return `${path} is damaged (${finding}). Nothing was changed: stop every process that uses it, keep a copy of it and of its -wal file, then restore a backup, or save what can be read by: sqlite3 ${path} .recover | sqlite3 NEWFILE`
}

function number(database: DatabaseSync, sql: string): number {
  return Number(values(database, sql)[0])
}

function values(database: DatabaseSync, sql: string): readonly unknown[] {
  return database
    .prepare(sql)
    .all()
    .map((row) => Object.values(row)[0])
}
