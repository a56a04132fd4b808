import { Command, Option } from 'commander'
import type { StorageUse } from '../broker-storage.ts'
import { openStore, type Store } from '../broker-storage.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import type { AuditEvent } from '../domain/audit.ts'
import { systemClock } from '../domain/clock.ts'
import { type Log, quietLog } from '../domain/log.ts'
import { canonicalUserName } from '../domain/login-name.ts'
import { Unavailable } from '../domain/person.ts'
import { systemRandom } from '../domain/random.ts'
import { Complaint } from './complaint.ts'
import { operator } from './operator.ts'
import { replyRules } from './reply-rules.ts'

/** Options that every verb takes. */
export interface CommonOptions {
  readonly config: string
  readonly json?: boolean
}

const DEFAULT_CONFIG = 'config/broker.yaml'

/** A verb with the options that all verbs share. */
export function verb(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--config <file>', 'the configuration').default(DEFAULT_CONFIG).env('OCBROKER_CONFIG'),
    )
    .option('--json', 'print JSON')
    .exitOverride()
}

/** @throws Complaint with every fault of the file. */
export async function readConfig({ config: file }: CommonOptions): Promise<Config> {
  const loaded = await loadConfig(file, process.env, replyRules)
  if ('faults' in loaded) throw new Complaint(describeFaults(file, loaded.faults))
  return loaded.config
}

/** @throws Complaint where the database or the key file cannot be used. */
export async function openStoreOrComplain(
  config: Config,
  log: Log = quietLog,
  use: StorageUse = 'command',
): Promise<Store> {
  try {
    return await openStore(config, log, undefined, use)
  } catch (error) {
    throw error instanceof Error ? new Complaint(error.message, { cause: error }) : error
  }
}

/** Works on the records, whether the broker is running or not, and closes them afterwards. */
export async function withStore<T>(
  options: CommonOptions,
  work: (store: Store, config: Config) => Promise<T>,
): Promise<T> {
  const config = await readConfig(options)
  const store = await openStoreOrComplain(config)
  try {
    return await work(store, config)
  } catch (error) {
    throw error instanceof Unavailable ? new Complaint(error.message, { cause: error }) : error
  } finally {
    await store.close()
  }
}

/** @throws Complaint where no login could carry the name. */
export function userNamed(typed: string): string {
  const name = canonicalUserName(typed)
  if (name !== undefined) return name
  throw new Complaint(
    `"${typed}" cannot be a user's name: 1 to 253 octets without a realm or control characters`,
  )
}

/** Writes down what was done by hand, and by whom. */
export async function witness(store: Store, event: Omit<AuditEvent, 'id' | 'at' | 'actor'>): Promise<void> {
  await store.records.audit.append({
    id: systemRandom.id(),
    at: systemClock.now(),
    actor: operator(),
    ...event,
  })
}
