import type { Machine } from './broker.ts'
import { loadKeyRing, readKeyRing } from './config/key-file.ts'
import type { StorageConfig } from './config/sections/storage.ts'
import type { KeyRing } from './domain/key-ring.ts'
import type { Log } from './domain/log.ts'
import { openPostgres } from './store/postgres/open.ts'
import type { OpenRecords } from './store/records.ts'
import { openSqlite } from './store/sqlite/open.ts'

/** What the records are opened for: a broker that lives long, or one command. */
export type StorageUse = 'serving' | 'command'

/** A command has little to ask at one time. */
const CONNECTIONS_OF_A_COMMAND = 2

/**
 * Opens the records and the keys that open the seeds in them.
 * @throws Error that names what cannot be used: the database, the key file. Nothing is changed then.
 */
export async function openStorage(
  config: StorageConfig,
  use: StorageUse,
  log: Log,
  machine: Machine,
): Promise<OpenRecords & { readonly keys: KeyRing }> {
  // A key file that cannot be used must not leave a new database behind.
  await readKeyRing(config.keyFile, machine.random)
  const opened = await openRecords(config, use, log, machine)
  try {
    const needs = {
      inUse: await opened.records.enrolments.keysInUse(),
      isShared: config.postgres !== undefined,
    }
    return { ...opened, keys: await loadKeyRing(config.keyFile, machine.random, needs) }
  } catch (error) {
    await opened.close()
    throw error
  }
}

function openRecords(
  { sqlite, postgres }: StorageConfig,
  use: StorageUse,
  log: Log,
  machine: Machine,
): Promise<OpenRecords> {
  if (postgres === undefined) return openSqlite({ path: sqlite, readThread: use === 'serving' })
  const connections = use === 'serving' ? postgres.connections : CONNECTIONS_OF_A_COMMAND
  return openPostgres({ ...postgres, connections, ...machine, log })
}
