import { DatabaseSync } from 'node:sqlite'

/** A file that this process keeps locked. The system drops the lock when the process has ended, however it did. */
export type FileLock = Disposable

/** SQLITE_BUSY */
const BUSY = 5

/** One that the garbage collector took would be unlocked while its process goes on. */
const held = new Set<DatabaseSync>()

/**
 * Locks a file, which is made where it is missing and stays empty. Node locks files by SQLite alone.
 * @returns undefined where a process has it that lives. @throws Error where there can be no such file.
 */
export function lockFile(path: string): FileLock | undefined {
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
