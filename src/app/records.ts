import { loadKeyRing, readKeyRing } from '../config/key-file.ts'
import type { StorageConfig } from '../config/sections/storage.ts'
import { asOperatorError } from '../domain/errors.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { OpenStore, Repositories } from '../store/repositories.ts'
import { openSqlite } from '../store/sqlite/open.ts'
import { asOwnerOf, storageFolder } from './folder-owner.ts'

/** What the records are opened for: a broker that lives long, or one command. */
export type StorageUse = 'serving' | 'command'

/** A command has little to ask at one time. */
const CONNECTIONS_OF_A_COMMAND = 2

/** The records and the keys that open the seeds in them. Most commands work on these alone. */
export interface Records {
  readonly records: Repositories
  readonly keys: KeyRing
}

export type OpenRecords = OpenStore & Records

/**
 * Opens the records and the keys that open the seeds in them.
 * @throws OperatorError that names what cannot be used: the database, the key file. Nothing is changed then.
 */
export function openRecords(config: StorageConfig, use: StorageUse, runtime: Runtime): Promise<OpenRecords> {
  return asOwnerOf(storageFolder(config), () => open(config, use, runtime))
}

async function open(config: StorageConfig, use: StorageUse, runtime: Runtime): Promise<OpenRecords> {
  await using unused = new AsyncDisposableStack()
  try {
    // A key file that cannot be used must not leave a new database behind.
    await readKeyRing(config.keyFile, runtime.random)
    const opened = await openDatabase(config, use, runtime)
    unused.defer(opened.close)
    const keys = await loadKeys(opened.records, config, runtime)
    unused.move()
    return { ...opened, keys }
  } catch (error) {
    throw asOperatorError(error)
  }
}

/** @throws KeyFileUnusable, also if a key is missing that something in the records was sealed with. */
export async function loadKeys(
  { enrolments }: Repositories,
  { keyFile, postgres }: StorageConfig,
  { random }: Runtime,
): Promise<KeyRing> {
  const needs = { inUse: await enrolments.keysInUse(), isShared: postgres !== undefined }
  return loadKeyRing(keyFile, random, needs)
}

async function openDatabase(
  { sqlite, postgres }: StorageConfig,
  use: StorageUse,
  runtime: Runtime,
): Promise<OpenStore> {
  if (postgres === undefined) return openSqlite({ path: sqlite, serves: use === 'serving' })
  const connections = use === 'serving' ? postgres.connections : CONNECTIONS_OF_A_COMMAND
  const { openPostgres } = await import('../store/postgres/open.ts')
  return openPostgres({ ...postgres, connections, ...runtime })
}
