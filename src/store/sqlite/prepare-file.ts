import { accessSync, closeSync, constants, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** What every SQLite database begins with (https://www.sqlite.org/fileformat.html §1.3.1). */
const MAGIC = Buffer.from('SQLite format 3\0')

/**
 * Makes the folder (0700) and the file (0600) where they are missing, and sees to it, before SQLite touches
 * anything, that a file which is there can be one of ours. Files that SQLite adds take over the mode of this one.
 * @throws Error that names the file and says what to do.
 */
export function prepareFile(path: string): void {
  const folder = dirname(resolve(path))
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw refusal(`the folder ${folder} cannot be written`, error)
  }
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600))
  } catch (error) {
    throw refusal(`${path} cannot be opened for writing`, error)
  }
  if (!statSync(path).isFile() || !startsAsDatabase(path)) {
    throw new Error(
      `${path} is not an SQLite database. Nothing was changed: move it away, or name another file as storage.sqlite`,
    )
  }
}

/** An empty file is a database that has not been filled yet. */
function startsAsDatabase(path: string): boolean {
  const start = Buffer.alloc(MAGIC.length)
  const file = openSync(path, 'r')
  try {
    const length = readSync(file, start)
    return length === 0 || start.equals(MAGIC)
  } finally {
    closeSync(file)
  }
}

function refusal(what: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new Error(
    `${what} (${why}). The broker needs to write there: give its user the file and the folder, or name another file as storage.sqlite`,
    { cause },
  )
}
