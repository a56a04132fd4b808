import { buildIdentities, type Identities } from './broker-identity.ts'
import { loadKeyRing, readKeyRing } from './config/key-file.ts'
import type { StorageConfig } from './config/sections/storage.ts'
import type { Config } from './config/shape.ts'
import type { Dependency } from './domain/dependency.ts'
import type { KeyRing } from './domain/key-ring.ts'
import type { Log } from './domain/log.ts'
import type { LoginName } from './domain/login-name.ts'
import { type Machine, THIS_MACHINE } from './domain/machine.ts'
import type { Candidate } from './domain/person.ts'
import { candidates } from './identity/fan-out.ts'
import { localIdentity } from './identity/local.ts'
import { PasswordHashes } from './identity/password-hashes.ts'
import { openPostgres } from './store/postgres/open.ts'
import type { OpenRecords, Records } from './store/records.ts'
import { openSqlite } from './store/sqlite/open.ts'

/** What the records are opened for: a broker that lives long, or one command. */
export type StorageUse = 'serving' | 'command'

/** A command has little to ask at one time. */
const CONNECTIONS_OF_A_COMMAND = 2

/** What is kept: the records and the keys that open the seeds in them. The command line works on this alone. */
export interface Store {
  readonly records: Records
  readonly keys: KeyRing
  readonly hashes: PasswordHashes
  /** Which identity stores may know a name that comes through a gateway, and what the user is called there. */
  candidates(name: LoginName, gateway?: string): readonly Candidate[]
  /** The identity stores that cannot be asked now. */
  findIdentityFaults: Identities['findFaults']
  /** What `/readyz` asks. */
  readonly dependencies: readonly Dependency[]
  close(): Promise<void>
}

/** @throws Error that names the file: a broken database, a key file that others can read. Nothing is changed then. */
export async function openStore(
  config: Config,
  log: Log,
  machine: Machine = THIS_MACHINE,
  use: StorageUse = 'serving',
): Promise<Store> {
  const { clock, random } = machine
  const { records, keys, checkReady, close } = await openStorage(config.storage, use, log, machine)
  const hashes = new PasswordHashes(config.passwords)
  const local = localIdentity({ users: records.users, hashes, clock, checkReady })
  let identities: Identities
  try {
    identities = buildIdentities(config, { local, clock, random, log })
  } catch (error) {
    // What stays open keeps the process from its end.
    await close()
    throw error
  }
  return {
    records,
    keys,
    hashes,
    candidates: (name, gateway) => candidates(identities.members, name, gateway),
    findIdentityFaults: identities.findFaults,
    dependencies: [{ name: 'storage', checkReady }, ...identities.dependencies],
    async close() {
      await identities.close()
      await close()
    },
  }
}

/**
 * Opens the records and the keys that open the seeds in them.
 * @throws Error that names what cannot be used: the database, the key file. Nothing is changed then.
 */
async function openStorage(
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
