import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import type { Report } from '../fault.ts'
import { duration, filePath } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'
import {
  checkPostgres,
  type PostgresConfig,
  type PostgresFiles,
  postgresShape,
  resolvePostgres,
} from './postgres.ts'

const DAY_MS = 24 * 3_600_000

export const storageShape = z.strictObject({
  sqlite: filePath().default('/var/lib/ocbroker/broker.db'),
  postgres: postgresShape.optional(),
  key_file: filePath().default('/var/lib/ocbroker/seed.key'),
  spool: filePath().optional(),
  keep: duration({ min: '30d', max: '36500d' }).default(180 * DAY_MS),
  keep_audit: duration({ min: '2d', max: '36500d' }).default(365 * DAY_MS),
})

type Parsed = z.output<typeof storageShape>

/** Absolute paths. */
export interface StorageConfig {
  /** Where the records are, unless they are in PostgreSQL. */
  readonly sqlite: string
  readonly postgres?: PostgresConfig
  /** The keys that seal authenticator seeds. */
  readonly keyFile: string
  /** A folder: accounting records that the database could not take. */
  readonly spool: string
  /** Milliseconds that sessions and lockouts are kept after their end, and failures after the last one. */
  readonly keepMs: number
  /** Milliseconds that audit events are kept. */
  readonly keepAuditMs: number
}

export function checkStorage(
  draft: Draft<Parsed>,
  deadlineMs: number | undefined,
  folder: string,
  report: Report,
): void {
  const { sqlite, postgres, key_file: keyFile } = draft
  if (sqlite !== undefined && keyFile !== undefined && resolve(folder, sqlite) === resolve(folder, keyFile))
    report.fault(['storage', 'key_file'], 'is the same file as storage.sqlite')
  if (postgres !== undefined) checkPostgres(postgres, deadlineMs, report)
  if (report.given(['storage', 'postgres']) && report.given(['storage', 'sqlite']))
    report.warn(
      ['storage', 'sqlite'],
      'is not used: the records are in storage.postgres',
      'remove it; `ocbroker storage copy` moves what is in it',
    )
}

/** @param folder the configuration file's, from which relative paths start. */
export function resolveStorage(parsed: Parsed, files: PostgresFiles, folder: string): StorageConfig {
  const keyFile = resolve(folder, parsed.key_file)
  const postgres = resolvePostgres(parsed.postgres, files)
  return {
    sqlite: resolve(folder, parsed.sqlite),
    ...(postgres !== undefined && { postgres }),
    keyFile,
    spool: parsed.spool === undefined ? join(dirname(keyFile), 'accounting') : resolve(folder, parsed.spool),
    keepMs: parsed.keep,
    keepAuditMs: parsed.keep_audit,
  }
}
