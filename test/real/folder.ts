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

/** The second try is for a server that is only just being ended and still writes. */
const REMOVE = 'rm -rf "$1" || { sleep 1; rm -rf "$1"; }'
