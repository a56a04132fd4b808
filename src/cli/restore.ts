import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { withConfig } from '../app/own-calls.ts'
import { runningBroker } from '../app/spool-folder.ts'
import { examineBackup, type OpenedBackup } from '../backup/archive.ts'
import type { StorageConfig } from '../config/sections/storage.ts'
import { asOperatorError, messageOf, OperatorError } from '../domain/errors.ts'
import { type CopiedTable, copyRecords } from '../store/copying.ts'
import { passphraseFrom } from './ask-secret.ts'
import { makeScratch } from './backup.ts'
import { type CommonOptions, command, readConfig } from './command.ts'
import { openSource, openTarget, requireKeys, showProgress } from './copy-ends.ts'
import { print, table } from './output.ts'
import { restoreConfiguration, restoreKeys } from './restore-files.ts'
import { undoOnSignal } from './undo-on-signal.ts'

interface Options extends CommonOptions {
  readonly passphraseFile?: string
  readonly replace?: boolean
}

export function restoreCommand(): Command {
  return command('restore')
    .argument('<file>', 'made by "ocbroker backup"')
    .option('--passphrase-file <file>', 'holds the passphrase, in place of a question at the terminal')
    .option('--replace', 'give up the records that are there')
    .action(restore)
}

async function restore(name: string, options: Options): Promise<void> {
  const { json, passphraseFile, replace = false } = options
  const file = await open(name).catch((error: unknown) => {
    throw new OperatorError(`${name} cannot be read: ${messageOf(error)}`, { cause: error })
  })
  try {
    await using closing = new AsyncDisposableStack()
    closing.defer(() => file.close())
    const examined = await examineBackup(file, name)
    const passphrase = examined.isEncrypted ? await passphraseFrom(passphraseFile, false) : undefined
    const backup = await examined.open(passphrase)
    const { madeAt, version } = examined
    const { done, tables } = await restoreAll(backup, options, replace)
    print(json, { madeAt, version, files: done, tables }, () => [
      ...table(
        ['TABLE', 'ROWS'],
        tables.map((each) => [each.table, String(each.rows)]),
      ),
      '',
      ...done,
      `Restored what was backed up at ${madeAt} by version ${version}. Run "${withConfig('ocbroker doctor', options.config)}".`,
    ])
  } catch (error) {
    throw asOperatorError(error)
  }
}

/** Everything, or nothing: what was written is taken back where a later step fails. The records are the last. */
async function restoreAll(
  backup: OpenedBackup,
  options: CommonOptions,
  replace: boolean,
): Promise<{ readonly done: readonly string[]; readonly tables: readonly CopiedTable[] }> {
  await using undo = new AsyncDisposableStack()
  await using scratch = new AsyncDisposableStack()
  using _ = undoOnSignal(undo, scratch)
  const files = await restoreConfiguration(backup.files, resolve(options.config), undo)
  const { storage } = await readConfig(options)
  refuseBesideBroker(storage)
  const keys = await restoreKeys(backup.files, files, storage, undo)
  const path = join(await makeScratch(storage, scratch), 'records.db')
  const tables = await restoreRecords(backup, path, storage, replace)
  undo.move()
  return { done: [...files.done, ...keys], tables }
}

function refuseBesideBroker({ spool }: StorageConfig): void {
  const pid = runningBroker(spool)
  if (pid === undefined) return
  throw new OperatorError(
    `a broker runs on these records (pid ${pid}). Nothing was changed: stop it, and all others that share them, then restore`,
  )
}

async function restoreRecords(
  backup: OpenedBackup,
  path: string,
  storage: StorageConfig,
  replace: boolean,
): Promise<readonly CopiedTable[]> {
  const extracted = await open(path, 'wx', 0o600)
  await backup.extractRecords(extracted).finally(() => extracted.close())
  // Brings records of an older version to this one's shape.
  await (await openTarget({ file: path })).close()
  await using ends = new AsyncDisposableStack()
  const source = await openSource({ file: path })
  ends.defer(source.close)
  await requireKeys(source, storage)
  const target = await openTarget({ storage })
  ends.defer(target.close)
  const tables = await copyRecords(source, target, { replace, ...showProgress() })
  await target.settle()
  return tables
}
