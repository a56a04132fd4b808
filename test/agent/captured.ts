import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What occtl 1.1.6 printed with nine people connected, of whom some have names that are hard to read. */
export function captured(file: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'captured', file))
}
