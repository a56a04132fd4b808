import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guard } from './guard.ts'

export interface TemporaryFolder {
  readonly path: string
  /** The full path of a file in the folder. */
  file(name: string): string
  remove(): Promise<void>
}

/** A new folder of the test's own; unprivileged servers may pass through it but not list it. */
export function temporaryFolder(purpose: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `ocbroker-${purpose}-`))
  chmodSync(path, 0o711)
  return { path, file: (name) => join(path, name), remove: guard(REMOVE, path) }
}

/**
 * The second try is for a server that is only just being ended and still writes. What is mounted in the folder is
 * another file system, such as this machine's /dev, and stays as it is.
 */
const REMOVE = 'find "$1" -xdev -delete || { sleep 1; find "$1" -xdev -delete; }'
