import { join } from 'node:path'
import { makeSpoolFolder } from './accounting/spool.ts'
import { type FileLock, lockFile } from './limits/lock-file.ts'

/** Two brokers that deliver from one folder would take each other's records for those of a process that has ended. */
export class SpoolFolderTaken extends Error {
  override readonly name = 'SpoolFolderTaken'
}

/** Keeps the folder for one broker, until it is released or this process ends. @throws SpoolFolderTaken, Error where it cannot be written. */
export function holdSpoolFolder(folder: string): FileLock {
  makeSpoolFolder(folder)
  const lock = lockFile(join(folder, 'lock'))
  if (lock === undefined)
    throw new SpoolFolderTaken(
      `accounting waits in ${folder}, which another broker uses that runs: name a folder of this one's own as storage.spool`,
    )
  return lock
}
