import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import packageFile from '../../package.json' with { type: 'json' }
import { giveToOwner, ownerOf, storageFolder } from '../app/folder-owner.ts'
import { replyRules } from '../app/reply-rules.ts'
import { type KeptFile, writeBackup } from '../backup/archive.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { StorageConfig } from '../config/sections/storage.ts'
import { readSmallFile } from '../config/small-file.ts'
import { systemClock } from '../domain/clock.ts'
import { asOperatorError, OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { ValueError } from '../schema/config-error.ts'
import { type CopiedTable, copyRecords } from '../store/copying.ts'
import { passphraseFrom } from './ask-secret.ts'
import { type CommonOptions, command } from './command.ts'
import { openSource, openTarget, showProgress } from './copy-ends.ts'
import { namedFiles } from './named-files.ts'
import { print } from './output.ts'
import { undoOnSignal } from './undo-on-signal.ts'

interface Options extends CommonOptions {
  readonly withoutKeys?: boolean
  readonly passphraseFile?: string
}

const MAX_FILE_OCTETS = 1024 * 1024

export function backupCommand(): Command {
  return command('backup')
    .argument('<file>', 'to be made; one that is there is replaced when the new one is whole')
    .option('--passphrase-file <file>', 'holds the passphrase, in place of a question at the terminal')
    .option(
      '--without-keys',
      'leave out the key file and the files that the configuration names, and encrypt nothing',
    )
    .action(backup)
}

async function backup(
  name: string,
  { config: configFile, withoutKeys, passphraseFile, json }: Options,
): Promise<void> {
  const keys = withoutKeys !== true
  if (!keys && passphraseFile !== undefined)
    throw new OperatorError('--without-keys encrypts nothing, so it takes no passphrase')
  const loaded = await loadConfig(configFile, process.env, replyRules)
  if ('faults' in loaded) throw new OperatorError(describeFaults(configFile, loaded.faults))
  const { storage } = loaded.config
  const text = loaded.source.text.reveal()
  const passphrase = keys ? await passphraseFrom(passphraseFile, true) : undefined
  const file = resolve(name)
  const draft = join(dirname(file), `.${basename(file)}.${systemRandom.bytes(4).toString('hex')}`)
  try {
    await using undo = new AsyncDisposableStack()
    using _ = undoOnSignal(undo)
    const to = await open(draft, 'wx', 0o600)
    undo.defer(() => rm(draft, { force: true }))
    let tables: readonly CopiedTable[]
    const files: KeptFile[] = []
    try {
      const records = join(await makeScratch(storage, undo), 'records.db')
      tables = await snapshot(storage, records)
      // After the records: a key that came in between is in it.
      files.push(await readKept('configuration', resolve(configFile), storage))
      if (keys) files.push(...(await secretFiles(configFile, text, storage)))
      const about = { madeAt: new Date(systemClock.now()), version: packageFile.version }
      await writeBackup(to, { ...about, files, records, passphrase }, systemRandom)
      await giveToOwner(draft, ownerOf(dirname(file)))
    } finally {
      await to.close()
    }
    await rename(draft, file)
    const { size } = await stat(file)
    const rows = tables.reduce((sum, table) => sum + table.rows, 0)
    const parts = files.map(({ part, path }) => ({ part, path }))
    print(json, { file, octets: size, isEncrypted: keys, rows, files: parts }, () => [
      `${file}: ${rows} rows, ${parts.map(({ path }) => path).join(', ')}; ${size} octets, ${keys ? 'encrypted' : 'not encrypted'}`,
      ...(keys ? [] : [`${storage.keyFile} is not in it: without a copy of it everybody has to enrol again`]),
    ])
  } catch (error) {
    throw asOperatorError(error)
  }
}

/** The keys, and what the configuration names. */
async function secretFiles(configFile: string, text: string, storage: StorageConfig): Promise<KeptFile[]> {
  const folder = dirname(resolve(configFile))
  const named = namedFiles(text).map(async (path) => {
    return { ...(await readKept('named by the configuration', resolve(folder, path), storage)), path }
  })
  // A broker that has never been started has none.
  const hasKeys = (await stat(storage.keyFile).catch(() => undefined)) !== undefined
  return [
    ...(hasKeys ? [await readKept('keys', storage.keyFile, storage)] : []),
    ...(await Promise.all(named)),
  ]
}

async function readKept(part: KeptFile['part'], path: string, storage: StorageConfig): Promise<KeptFile> {
  const file = await readSmallFile(path, MAX_FILE_OCTETS)
  if (file instanceof ValueError) throw new OperatorError(file.problem)
  const { uid } = ownerOf(path)
  const isOfService = uid !== 0 && uid === ownerOf(storageFolder(storage)).uid
  return { part, path, mode: file.mode & 0o777, isOfService, content: file.content.toString('base64') }
}

/** A folder for a copy of the records, where they or their keys lie: others keep out of it already. */
export async function makeScratch(storage: StorageConfig, undo: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(storageFolder(storage), '.backup-'))
  undo.defer(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Copies the records as they are at one moment. */
async function snapshot(storage: StorageConfig, to: string): Promise<readonly CopiedTable[]> {
  await using ends = new AsyncDisposableStack()
  const source = await openSource({ storage })
  ends.defer(source.close)
  const target = await openTarget({ file: to })
  ends.defer(target.close)
  return await copyRecords(source, target, { replace: false, ...showProgress() })
}
