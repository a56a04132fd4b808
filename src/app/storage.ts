import type { Config } from '../config/schema.ts'
import type { Dependency } from '../domain/dependency.ts'
import { asOperatorError } from '../domain/errors.ts'
import type { Candidate } from '../domain/identity-provider.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { LoginName } from '../domain/login-name.ts'
import { type Runtime, SYSTEM_RUNTIME } from '../domain/runtime.ts'
import type { StoreListing } from '../domain/store-users.ts'
import { candidates } from '../identity/fan-out.ts'
import { PasswordHashes } from '../identity/local/password-hashes.ts'
import { localIdentity } from '../identity/local/provider.ts'
import { buildIdentities, type Identities } from './identities.ts'
import { loadKeys, type OpenRecords, openRecords, type Records, type StorageUse } from './records.ts'

/** The records, and the identity stores that users are found in beside them. */
export interface Store extends Records {
  readonly hashes: PasswordHashes
  /** Which identity stores may know a name that comes through a gateway, and what the user is called there. */
  candidates(name: LoginName, gateway?: string): readonly Candidate[]
  /** The identity stores as lists of users, in the order in which they are asked. */
  readonly listings: readonly StoreListing[]
  /** The identity stores that cannot be asked now. */
  findIdentityFaults: Identities['findFaults']
  /** What does not fit at those that can be asked. */
  findIdentityRemarks: Identities['findRemarks']
  /** What `/readyz` asks. */
  readonly dependencies: readonly Dependency[]
  /** The same records with the identity stores and keys of another configuration. @throws Error */
  with(config: Config): Promise<Store>
  /** What is sealed by this store, and by what outlives it, is sealed with these keys from now on. */
  takeKeys(keys: KeyRing): void
  /** Closes what this configuration alone uses. The records stay open. */
  release(): Promise<void>
  close(): Promise<void>
}

/** @throws OperatorError that names the file: a broken database, a key file that others can read. Nothing is changed then. */
export async function openStore(
  config: Config,
  runtime: Runtime = SYSTEM_RUNTIME,
  use: StorageUse = 'serving',
): Promise<Store> {
  const opened = await openRecords(config.storage, use, runtime)
  try {
    return await storeOver(opened, config, runtime)
  } catch (error) {
    // What stays open keeps the process from ending.
    await opened.close()
    throw asOperatorError(error)
  }
}

/** @param lasting the keys of the first configuration, which what outlives it seals and opens with. */
async function storeOver(
  opened: OpenRecords,
  config: Config,
  runtime: Runtime,
  lasting = opened.keys,
): Promise<Store> {
  const { records, keys, checkReady } = opened
  const hashes = new PasswordHashes(config.passwords)
  const local = localIdentity({ users: records.users, hashes, clock: runtime.clock, checkReady })
  const defaultRealms = new Map(config.gateways.map(({ name, defaultRealm }) => [name, defaultRealm]))
  const identities = await buildIdentities(config, { local, ...runtime })
  let released: Promise<void> | undefined
  const release = () => {
    released ??= identities.close().then(() => hashes.close())
    return released
  }
  return {
    records,
    keys,
    hashes,
    candidates: (name, gateway) =>
      candidates(identities.members, name, {
        gateway,
        defaultRealm: gateway === undefined ? undefined : defaultRealms.get(gateway),
      }),
    listings: identities.listings,
    findIdentityFaults: identities.findFaults,
    findIdentityRemarks: identities.findRemarks,
    dependencies: [{ name: 'storage', checkReady }, ...identities.dependencies],
    async with(next) {
      const ring = await loadKeys(opened.records, next.storage, runtime)
      return await storeOver({ ...opened, keys: ring }, next, runtime, lasting)
    },
    takeKeys(next) {
      for (const ring of [lasting, keys]) ring.replaceWith(next)
    },
    release,
    async close() {
      await release()
      await opened.close()
    },
  }
}
