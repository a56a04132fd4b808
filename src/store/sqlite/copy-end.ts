import { CannotCopy, type CopyEnd } from '../copying.ts'
import { isMigrated } from '../migrate.ts'
import { checkSchema, toOperatorError } from './check-schema.ts'
import { type OpenDatabase, openForReading, openForWriting } from './database.ts'

/** Milliseconds to wait for another process that is writing. */
const BUSY_MS = 5000

/** A file to copy from, which is only read. @throws Error that names the file and says what to do. */
export async function sqliteSource(path: string): Promise<CopyEnd> {
  const opened = openOrExplain(path)
  try {
    await checkSchema(path, opened.database, opened.db)
    if (!(await isMigrated(opened.db))) {
      throw new CannotCopy(
        `${path} is empty, or of an older version of ocbroker. Nothing was changed: start this version on it once`,
      )
    }
  } catch (error) {
    opened.database.close()
    throw toOperatorError(path, error)
  }
  return endOf(path, opened)
}

/** A file to copy into; made where it is missing. @throws Error that names the file and says what to do. */
export async function sqliteTarget(path: string): Promise<CopyEnd> {
  return endOf(path, await openForWriting({ path, readOnly: false, busyMs: BUSY_MS }))
}

function openOrExplain(path: string): OpenDatabase {
  try {
    return openForReading({ path, readOnly: true, busyMs: BUSY_MS })
  } catch (error) {
    throw toOperatorError(path, error)
  }
}

function endOf(path: string, { database, db }: OpenDatabase): CopyEnd {
  return {
    name: path,
    db,
    // A transaction that writes is alone in any case.
    keepOthersOut: async () => {},
    // It plans by its rules alone, as in a file that has grown by itself.
    settle: async () => {},
    close: async () => database.close(),
  }
}
