import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { giveToOwner, type Owner, ownerOf, storageFolder } from '../app/folder-owner.ts'
import type { KeptFile } from '../backup/archive.ts'
import type { StorageConfig } from '../config/sections/storage.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'

export interface RestoredFiles {
  /** What was done, for people. */
  readonly done: readonly string[]
  /** Files that were made and that the service itself has owned. */
  readonly ofService: readonly string[]
}

/**
 * Puts the configuration, and what it names, in place where there is no configuration. One that is there is kept.
 * @param undo takes back what was done.
 */
export async function restoreConfiguration(
  files: readonly KeptFile[],
  configFile: string,
  undo: AsyncDisposableStack,
): Promise<RestoredFiles> {
  const configuration = files.find(({ part }) => part === 'configuration')
  if (configuration === undefined || (await exists(configFile)))
    return { done: [`${configFile} was kept.`], ofService: [] }
  const folder = dirname(configFile)
  const named = files.filter(({ part }) => part === 'named by the configuration')
  const done: string[] = []
  const ofService: string[] = []
  for (const file of [{ ...configuration, path: configFile }, ...named]) {
    const path = resolve(folder, file.path)
    if (await exists(path)) {
      done.push(`${path} was kept.`)
      continue
    }
    await make(path, contentOf(file), file.mode, undo)
    if (file.isOfService) ofService.push(path)
    done.push(`${path} was written.`)
  }
  return { done, ofService }
}

/** Writes the key file where it is missing; adds the keys that one that is there lacks, at its end. */
export async function restoreKeys(
  files: readonly KeptFile[],
  { ofService }: RestoredFiles,
  storage: StorageConfig,
  undo: AsyncDisposableStack,
): Promise<readonly string[]> {
  const { keyFile } = storage
  const kept = files.find(({ part }) => part === 'keys')
  const isMade = kept !== undefined && !(await exists(keyFile))
  if (isMade) await make(keyFile, contentOf(kept), 0o600, undo)
  const owner = ownerOf(storageFolder(storage))
  for (const path of ofService) await giveToOwner(path, owner)
  if (kept === undefined) return []
  const present = await readFile(keyFile, 'utf8')
  const missing = linesOf(contentOf(kept).toString()).filter((line) => !linesOf(present).includes(line))
  if (missing.length === 0) return [`${keyFile} ${isMade ? 'was written' : 'was kept: it has the keys'}.`]
  const before = ownerOf(keyFile)
  await replace(keyFile, `${present.trimEnd()}\n${missing.join('\n')}\n`, before)
  undo.defer(() => replace(keyFile, present, before))
  return [`${keyFile} got ${missing.length} more: give the same file to all brokers that share the records.`]
}

/** Its keys, without comments. */
function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

function contentOf({ content }: KeptFile): Buffer {
  return Buffer.from(content, 'base64')
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** Makes a file for the owner of its folder, and the folder where it is missing. It never replaces another file. */
async function make(path: string, content: Buffer, mode: number, undo: AsyncDisposableStack): Promise<void> {
  const folder = dirname(path)
  const owner = ownerOf(folder)
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (made !== undefined) {
    undo.defer(() => rm(made, { recursive: true, force: true }))
    await giveToOwner(folder, owner)
  }
  await write(path, content, mode, owner)
  undo.defer(() => rm(path, { force: true }))
}

async function replace(path: string, text: string, owner: Owner): Promise<void> {
  const draft = `${path}.${systemRandom.bytes(4).toString('hex')}`
  await write(draft, text, 0o600, owner)
  await rename(draft, path)
}

async function write(path: string, content: Buffer | string, mode: number, owner: Owner): Promise<void> {
  const file = await open(path, 'wx', mode).catch((error: unknown) => {
    throw new OperatorError(`${path} cannot be made: ${String(error)}`, { cause: error })
  })
  try {
    await file.writeFile(content)
    // Whatever the umask is.
    await file.chmod(mode)
    await file.sync()
    await giveToOwner(path, owner)
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}
