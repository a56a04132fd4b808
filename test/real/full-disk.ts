import { appendFileSync } from 'node:fs'

/** Takes all the room that is left on the disk of a file, until the file is removed. */
export function fillDisk(path: string): void {
  for (const size of [64 * 1024, 4096, 512]) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(size))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}
