import { accessSync, chmodSync, closeSync, constants, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { messageOf } from '../../domain/errors.ts'

/** What every SQLite database begins with (https://www.sqlite.org/fileformat.html §1.3.1). */
const MAGIC = Buffer.from('SQLite format 3\0')

const GROUP_AND_OTHERS = 0o077
/** Files that SQLite keeps beside the database. */
const COMPANIONS = ['', '-wal', '-shm', '-journal']

/**
 * Makes the folder (0700) and the file (0600) if they are missing. Checks, before SQLite touches anything, that an
 * existing file can be the broker's, and takes the permissions of group and others from it and from the files that
 * SQLite keeps beside it. A file that SQLite adds later takes over the mode of the database.
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
  for (const companion of COMPANIONS) keepToOwner(path + companion)
  if (!statSync(path).isFile() || !startsAsDatabase(path)) {
    throw new Error(
      `${path} is not an SQLite database. Nothing was changed: move it away, or name another file as storage.sqlite`,
    )
  }
}

function keepToOwner(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  if ((mode & GROUP_AND_OTHERS) === 0) return
  try {
    chmodSync(path, mode & 0o700)
  } catch (error) {
    throw refusal(`${path} can be read by others, and its mode cannot be changed to 0600`, error)
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
  const why = messageOf(cause)
  return new Error(
    `${what} (${why}). The broker needs to write there: give its user the file and the folder, or name another file as storage.sqlite`,
    { cause },
  )
}
