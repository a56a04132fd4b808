import { existsSync } from 'node:fs'
import { examineKeyRing, KeyFileUnusable } from '../config/key-file.ts'
import type { StorageConfig } from '../config/sections/storage.ts'
import { type Check, type Finding, fault, hint, ok } from '../doctor/finding.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { CannotCopy } from '../store/copying.ts'
import { SqlEnrolments } from '../store/enrolments.ts'
import { postgresSource } from '../store/postgres/copy-end.ts'
import { sqliteSource } from '../store/sqlite/copy-end.ts'

const RESTORE = 'name the right file as storage.sqlite, or bring back a backup of it'
const CONNECT = 'start PostgreSQL, or correct storage.postgres'

/** Whether the broker can start on the records and with the key file. Both are only read, and none of them is made. */
export function checkRecords({ sqlite, postgres, keyFile }: StorageConfig): Check {
  return async () => {
    const about = postgres === undefined ? sqlite : 'PostgreSQL'
    let records: Finding
    let inUse: readonly string[] = []
    try {
      const found = await keysIn({ sqlite, postgres })
      inUse = found ?? []
      records =
        found === undefined
          ? hint(about, 'is made, or brought to this version, at the next start')
          : ok(about, 'can be read')
    } catch (error) {
      records = fault(about, error, postgres === undefined ? RESTORE : CONNECT)
    }
    return [records, await examineKeys(keyFile, { inUse, isShared: postgres !== undefined })]
  }
}

/** The names of the keys that something was sealed with; undefined for records that a start makes first. */
async function keysIn({
  sqlite,
  postgres,
}: Pick<StorageConfig, 'sqlite' | 'postgres'>): Promise<readonly string[] | undefined> {
  if (postgres === undefined && !existsSync(sqlite)) return undefined
  try {
    const source = await (postgres === undefined ? sqliteSource(sqlite) : postgresSource(postgres.server))
    try {
      return await new SqlEnrolments(source.db).keysInUse()
    } finally {
      await source.close()
    }
  } catch (error) {
    if (error instanceof CannotCopy || (error instanceof OperatorError && error.cause instanceof CannotCopy))
      return undefined
    throw error
  }
}

async function examineKeys(
  keyFile: string,
  needs: { readonly inUse: readonly string[]; readonly isShared: boolean },
): Promise<Finding> {
  try {
    const ring = await examineKeyRing(keyFile, systemRandom, needs)
    return ring === undefined
      ? hint(keyFile, 'is made at the first start')
      : ok(keyFile, 'opens what is sealed')
  } catch (error) {
    if (!(error instanceof KeyFileUnusable)) throw error
    return fault(keyFile, error.problem, error.remedy)
  }
}
