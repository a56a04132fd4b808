import { constants } from 'node:fs'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KeyRing, type SealingKey } from '../domain/key-ring.ts'
import type { Randomness } from '../domain/random.ts'
import { Secret } from '../domain/secret.ts'
import { ValueError } from '../schema/config-error.ts'
import {
  CONTAINER_SECRETS,
  FileError,
  isOpenTo,
  readSmallFile,
  systemCode,
  systemMessage,
} from './small-file.ts'

const KEY_OCTETS = 32
const MAX_FILE_OCTETS = 64 * 1024
const GROUP_AND_OTHERS = 0o077
const KEY_LINE = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/
const EXPLANATION = `# Keys that seal authenticator seeds in the database: name:base64 of ${KEY_OCTETS} octets, one a line.
# The first seals; all of them open. Keep a copy of this file apart from the database: without it every
# user must enrol again.
`

/** The message is for the operator and says what to do; the broker must not start. */
export class KeyFileUnusable extends Error {
  override readonly name = 'KeyFileUnusable'
  readonly problem: string
  readonly remedy: string

  constructor(problem: string, remedy: string, options?: ErrorOptions) {
    super(`${problem}. ${remedy}`, options)
    this.problem = problem
    this.remedy = remedy
  }
}

/** What the database needs from the key file. */
export interface KeyNeeds {
  /** Names of the keys that sealed the seeds in it. */
  readonly inUse: readonly string[]
  /** Whether other brokers use it too; a new key of one of them would be unknown to the others. */
  readonly isShared: boolean
}

/**
 * Reads the key file. A missing file is made, with one new key, for its owner alone, unless the database needs an older
 * one.
 * @param path absolute. @param openFolders with a slash at the end: others may read the files in them.
 * @throws KeyFileUnusable
 */
export async function loadKeyRing(
  path: string,
  random: Randomness,
  needs: KeyNeeds = { inUse: [], isShared: false },
  openFolders: readonly string[] = CONTAINER_SECRETS,
): Promise<KeyRing> {
  const ring = await examineKeyRing(path, random, needs, openFolders)
  return ring ?? makeKeyRing(path, random)
}

/**
 * Whether the broker could start with the key file. Nothing is changed.
 * @returns undefined for a missing file that a start would make.
 * @throws KeyFileUnusable
 */
export async function examineKeyRing(
  path: string,
  random: Randomness,
  needs: KeyNeeds,
  openFolders: readonly string[] = CONTAINER_SECRETS,
): Promise<KeyRing | undefined> {
  const ring = await readKeyRing(path, random, openFolders)
  if (ring === undefined) {
    refuseToReplace(path, needs)
    return undefined
  }
  const missing = needs.inUse.filter((key) => !ring.has(key))
  if (missing.length === 0) return ring
  throw new KeyFileUnusable(
    `the key file ${path} lacks what sealed authenticators in the database: ${namesOf(missing)}`,
    BRING_BACK,
  )
}

/** @returns undefined if there is no such file. @throws KeyFileUnusable */
export async function readKeyRing(
  path: string,
  random: Randomness,
  openFolders: readonly string[] = CONTAINER_SECRETS,
): Promise<KeyRing | undefined> {
  const content = await read(path, openFolders)
  return content === undefined ? undefined : new KeyRing(keysFrom(path, content), random)
}

async function makeKeyRing(path: string, random: Randomness): Promise<KeyRing> {
  try {
    await make(path, random)
  } catch (error) {
    const problem = `the key file ${path} cannot be made: ${systemMessage(error)}`
    throw new KeyFileUnusable(problem, 'Let the broker’s account write its folder', { cause: error })
  }
  const ring = await readKeyRing(path, random, [])
  if (ring === undefined)
    throw new KeyFileUnusable(`the key file ${path} was removed while it was made`, 'Start once more')
  return ring
}

const BRING_BACK =
  'Bring back the copy of the file that belongs to the database; a new key does not open the seeds in it'

/** The first three names, for people. */
function namesOf(keys: readonly string[]): string {
  const shown = keys.slice(0, 3).map((key) => `"${key}"`)
  return `${keys.length === 1 ? 'the key' : 'the keys'} ${shown.join(', ')}${keys.length > 3 ? ' …' : ''}`
}

/** @throws KeyFileUnusable if a new file would replace a lost one, or differ from that of other brokers. */
function refuseToReplace(path: string, { inUse, isShared }: KeyNeeds): void {
  if (inUse.length > 0) {
    throw new KeyFileUnusable(
      `the key file ${path} is missing, and authenticators in the database are sealed by ${namesOf(inUse)}`,
      BRING_BACK,
    )
  }
  if (isShared) {
    const key = '$(od -An -N4 -tx1 /dev/urandom | tr -d " "):$(head -c 32 /dev/urandom | base64)'
    throw new KeyFileUnusable(
      `the key file ${path} is missing`,
      `Brokers that share a database need the same file: copy it from another of them; for the first one run: (umask 077; echo "${key}" > ${path})`,
    )
  }
}

/**
 * The file appears whole or not at all, and never replaces another one: two processes that start at the same moment end
 * with the same key, and a crash leaves no half-written file.
 */
async function make(path: string, random: Randomness): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = `${path}.${random.bytes(8).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    const name = random.bytes(4).toString('hex')
    await file.writeFile(`${EXPLANATION}${name}:${random.bytes(KEY_OCTETS).toString('base64')}\n`)
    await file.sync()
    await link(draft, path).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error
    })
  } finally {
    await file.close()
    await rm(draft, { force: true })
  }
  await syncFolder(folder)
}

/** A new file's name is durable only after its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** @returns undefined if there is no such file. */
async function read(path: string, openFolders: readonly string[]): Promise<string | undefined> {
  const file = await readSmallFile(path, MAX_FILE_OCTETS)
  if (file instanceof FileError && file.isMissing) return undefined
  if (file instanceof ValueError)
    throw new KeyFileUnusable(
      `the key file ${file.problem}`,
      `Run: chown USER ${path}, its owner being who runs the broker`,
    )
  if (isOpenTo(GROUP_AND_OTHERS, file.mode, path, openFolders))
    throw new KeyFileUnusable(
      `the key file ${path} is open to other users of this machine`,
      `Run: chmod 600 ${path}`,
    )
  return file.content.toString('utf8')
}

function keysFrom(path: string, content: string): readonly [SealingKey, ...SealingKey[]] {
  const keys = new Map<string, SealingKey>()
  const problems: string[] = []
  for (const [index, raw] of content.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, id, base64] = KEY_LINE.exec(line) ?? []
    if (id === undefined || base64 === undefined)
      problems.push(`line ${index + 1} is not name:base64 of ${KEY_OCTETS} octets`)
    else if (keys.has(id)) problems.push(`line ${index + 1} has the name of an earlier key, ${id}`)
    else keys.set(id, { id, key: new Secret(Buffer.from(base64, 'base64')) })
  }
  const [first, ...others] = keys.values()
  if (first === undefined && problems.length === 0) problems.push('it holds no key')
  if (first === undefined || problems.length > 0)
    throw new KeyFileUnusable(`the key file ${path} cannot be used: ${problems.join('; ')}`, BRING_BACK)
  return [first, ...others]
}
