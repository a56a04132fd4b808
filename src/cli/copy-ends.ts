import { dirname } from 'node:path'
import { asOwnerOf, storageFolder } from '../app/folder-owner.ts'
import { loadKeyRing } from '../config/key-file.ts'
import type { StorageConfig } from '../config/sections/storage.ts'
import { systemClock } from '../domain/clock.ts'
import { systemRandom } from '../domain/random.ts'
import type { CopyEnd, CopyOptions } from '../store/copying.ts'
import { SqlEnrolments } from '../store/enrolments.ts'
import { postgresSource, postgresTarget } from '../store/postgres/copy-end.ts'
import { sqliteSource, sqliteTarget } from '../store/sqlite/copy-end.ts'
import { ProgressLine } from './progress-line.ts'

/** One side of a copy: an SQLite file, or the storage of a configuration. */
export type Place = { readonly file: string } | { readonly storage: StorageConfig }

export function openSource(place: Place): Promise<CopyEnd> {
  if ('file' in place) return sqliteSource(place.file)
  const { sqlite, postgres } = place.storage
  return postgres === undefined ? sqliteSource(sqlite) : postgresSource(postgres.server)
}

export function openTarget(place: Place): Promise<CopyEnd> {
  if ('file' in place) return asOwnerOf(dirname(place.file), () => sqliteTarget(place.file))
  const { sqlite, postgres } = place.storage
  return asOwnerOf(storageFolder(place.storage), () =>
    postgres === undefined ? sqliteTarget(sqlite) : postgresTarget(postgres.server),
  )
}

/** Seeds are copied sealed: the new database needs the same keys. @throws KeyFileUnusable */
export async function requireKeys(source: CopyEnd, storage: StorageConfig): Promise<void> {
  const { keyFile, postgres } = storage
  const inUse = await new SqlEnrolments(source.db).keysInUse()
  if (inUse.length === 0) return
  await asOwnerOf(dirname(keyFile), () =>
    loadKeyRing(keyFile, systemRandom, { inUse, isShared: postgres !== undefined }),
  )
}

/** Shows on standard error how far a copy has come. */
export function showProgress(): Pick<CopyOptions, 'onCopied' | 'onCompared'> {
  const copying = new ProgressLine('copying rows', systemClock)
  const comparing = new ProgressLine('comparing rows', systemClock)
  return {
    onCopied: (rows, all) => copying.tell(rows, all),
    onCompared: (rows, all) => comparing.tell(rows, all),
  }
}
