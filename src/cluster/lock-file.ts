import { closeSync, existsSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** A file that this process keeps locked. The system drops the lock when the process has ended, however it did. */
export type FileLock = Disposable

/** SQLITE_BUSY */
const BUSY = 5

/** Kept here: a lock that is garbage collected would be released while its process still runs. */
const held = new Set<DatabaseSync>()

/**
 * Locks a file, which is made where it is missing and stays empty. Node locks files by SQLite alone.
 * @returns undefined if a living process has it. @throws Error if the file cannot be made.
 */
export function lockFile(path: string): FileLock | undefined {
  makeForOwner(path)
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    // Nothing is ever written, so there is no journal on disk either.
    file.exec('pragma journal_mode = memory; begin exclusive')
  } catch (error) {
    file.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) return undefined
    throw error
  }
  held.add(file)
  return {
    [Symbol.dispose]() {
      if (held.delete(file)) file.close()
    },
  }
}

/**
 * SQLite would let others read it, and who can read a file can lock it. A file that is there is not opened: closing it
 * would end a lock of this process (fcntl(2)).
 */
function makeForOwner(path: string): void {
  if (existsSync(path)) return
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // Another process was faster.
    if (!existsSync(path)) throw error
  }
}
