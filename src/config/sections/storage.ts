import { resolve } from 'node:path'
import { z } from 'zod'
import type { Report } from '../fault.ts'
import { filePath } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'

export const storageShape = z.strictObject({
  sqlite: filePath().default('/var/lib/ocbroker/broker.db'),
  key_file: filePath().default('/var/lib/ocbroker/seed.key'),
})

type Parsed = z.output<typeof storageShape>

/** Absolute paths. */
export interface StorageConfig {
  readonly sqlite: string
  /** The keys that seal authenticator seeds; made at the first start. */
  readonly keyFile: string
}

export function checkStorage(draft: Draft<Parsed>, folder: string, report: Report): void {
  const { sqlite, key_file: keyFile } = draft
  if (sqlite !== undefined && keyFile !== undefined && resolve(folder, sqlite) === resolve(folder, keyFile))
    report.fault(['storage', 'key_file'], 'is the same file as storage.sqlite')
}

/** @param folder the configuration file's, from which relative paths start. */
export function resolveStorage(parsed: Parsed, folder: string): StorageConfig {
  return { sqlite: resolve(folder, parsed.sqlite), keyFile: resolve(folder, parsed.key_file) }
}
