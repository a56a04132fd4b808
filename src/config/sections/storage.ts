import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { duration, filePath } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { checkPostgres, type PostgresFiles, postgresSchema, resolvePostgres } from './postgres.ts'

const DAY_MS = 24 * 3_600_000

export const storageSchema = z.strictObject({
  sqlite: filePath().default('/var/lib/ocbroker/broker.db'),
  postgres: postgresSchema.optional(),
  /** The keys that seal authenticator seeds. */
  key_file: filePath().default('/var/lib/ocbroker/seed.key'),
  /** A folder for accounting records that the database could not take. */
  spool: filePath().optional(),
  /** For sessions and lockouts after their end, and failures after the last one. */
  keep: duration({ min: '30d', max: '36500d' }).default(180 * DAY_MS),
  keep_audit: duration({ min: '2d', max: '36500d' }).default(365 * DAY_MS),
  /** Usage by day, which outlives the sessions. A month's quota counts 31 days. */
  keep_usage: duration({ min: '62d', max: '36500d' }).default(3 * 365 * DAY_MS),
})

type Parsed = z.output<typeof storageSchema>
export type StorageConfig = ReturnType<typeof resolveStorage>

export function checkStorage(
  { sqlite, postgres, key_file: keyFile }: PartialConfig<Parsed>,
  deadlineMs: number | undefined,
  folder: string,
  diagnostics: Diagnostics,
): void {
  if (sqlite !== undefined && keyFile !== undefined && resolve(folder, sqlite) === resolve(folder, keyFile))
    diagnostics.fault(['storage', 'key_file'], 'is the same file as storage.sqlite')
  if (postgres !== undefined) checkPostgres(postgres, deadlineMs, diagnostics)
  if (diagnostics.given(['storage', 'postgres']) && diagnostics.given(['storage', 'sqlite']))
    diagnostics.warn(
      ['storage', 'sqlite'],
      'is not used: the records are in storage.postgres',
      'remove it; `ocbroker storage copy` copies its records',
    )
}

export function resolveStorage(parsed: Parsed, files: PostgresFiles, folder: string) {
  const keyFile = resolve(folder, parsed.key_file)
  return {
    sqlite: resolve(folder, parsed.sqlite),
    postgres: resolvePostgres(parsed.postgres, files),
    keyFile,
    spool: resolve(folder, parsed.spool ?? join(dirname(keyFile), 'accounting')),
    keepMs: parsed.keep,
    keepAuditMs: parsed.keep_audit,
    keepUsageMs: parsed.keep_usage,
  }
}
