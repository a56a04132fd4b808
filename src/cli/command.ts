import { Command, Option } from 'commander'
import { DEFAULT_CONFIG } from '../app/own-calls.ts'
import type { Records } from '../app/records.ts'
import type { Store } from '../app/storage.ts'
import type { Config } from '../config/schema.ts'
import type { AuditEvent } from '../domain/audit.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { hiddenCharacterFault } from '../domain/hidden-characters.ts'
import { canonicalUserName } from '../domain/login-name.ts'
import { systemRandom } from '../domain/random.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { byUsername } from '../manage/audit-context.ts'
import { operator } from './operator.ts'

/** Options that every command takes. */
export interface CommonOptions {
  readonly config: string
  readonly json?: boolean
}

/** A command with the options that all commands share. */
export function command(name: string, description = ''): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--config <file>', 'the configuration').default(DEFAULT_CONFIG).env('OCBROKER_CONFIG'),
    )
    .option('--json', 'print JSON')
    .exitOverride()
}

/** @throws OperatorError with every fault of the file. */
export async function readConfig({ config: file }: CommonOptions): Promise<Config> {
  // Not every command needs the configuration.
  const [{ loadConfig }, { describeFaults }, { replyRules }] = await Promise.all([
    import('../config/load.ts'),
    import('../config/describe-faults.ts'),
    import('../app/reply-rules.ts'),
  ])
  const loaded = await loadConfig(file, process.env, replyRules)
  if ('faults' in loaded) throw new OperatorError(describeFaults(file, loaded.faults))
  return loaded.config
}

/** Works on the records, whether the broker is running or not, and closes them afterwards. */
export async function withRecords<T>(
  options: CommonOptions,
  work: (records: Records, config: Config) => Promise<T>,
): Promise<T> {
  const config = await readConfig(options)
  const { openRecords } = await import('../app/records.ts')
  return closing(await openRecords(config.storage, 'command', SYSTEM_RUNTIME), config, work)
}

/** Works on the records and the identity stores. */
export async function withStore<T>(
  options: CommonOptions,
  work: (store: Store, config: Config) => Promise<T>,
): Promise<T> {
  const config = await readConfig(options)
  // Most commands start faster without it.
  const { openStore } = await import('../app/storage.ts')
  return closing(await openStore(config, SYSTEM_RUNTIME, 'command'), config, work)
}

async function closing<S extends { close(): Promise<void> }, T>(
  store: S,
  config: Config,
  work: (store: S, config: Config) => Promise<T>,
): Promise<T> {
  try {
    return await work(store, config)
  } finally {
    await store.close()
  }
}

/** @throws OperatorError if no login could carry the name. */
export function userNamed(typed: string): string {
  const name = canonicalUserName(typed)
  if (name !== undefined) return name
  throw new OperatorError(
    `"${typed}" cannot be a user's name: 1 to 253 octets, a backslash, a second @ or control characters not among them`,
  )
}

/** A text that is stored for people to read. @param what the option: `--reason`. @throws OperatorError */
export function readable(what: string, text: string): string {
  const fault = hiddenCharacterFault(text)
  if (fault === undefined) return text
  throw new OperatorError(`${what} ${fault}`)
}

/** The name of a user to be made. @throws OperatorError */
export function newUserNamed(typed: string): string {
  return userNamed(readable('the name', typed))
}

/** Records in the audit trail what was done on the command line, and who did it. */
export async function recordAudit(
  store: Pick<Records, 'records'>,
  event: Omit<AuditEvent, 'id' | 'at' | 'actor'>,
): Promise<void> {
  await store.records.audit.append(commandEvent(event))
}

/** An event of the audit trail about what is done on the command line, and who does it. */
export function commandEvent(event: Omit<AuditEvent, 'id' | 'at' | 'actor'>): AuditEvent {
  return { id: systemRandom.id(), at: systemClock.now(), actor: operator(), ...byUsername(event) }
}
