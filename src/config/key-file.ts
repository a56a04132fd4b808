import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KeyRing, type SealingKey } from '../domain/key-ring.ts'
import type { Randomness } from '../domain/random.ts'
import { Secret } from '../domain/secret.ts'
import { CONTAINER_SECRETS, isAmong } from './container-secrets.ts'
import { systemCode, systemWords } from './system-words.ts'

const KEY_OCTETS = 32
const LARGEST_FILE = 64 * 1024
const GROUP_AND_OTHERS = 0o077
const KEY_LINE = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/
const EXPLANATION = `# Keys that seal authenticator seeds in the database: name:base64 of ${KEY_OCTETS} octets, one a line.
# The first seals; all of them open. Keep a copy of this file apart from the database: without it every
# user must enrol again.
`

/** The message is for the operator and says what to do; the broker must not start. */
export class KeyFileUnusable extends Error {
  override readonly name = 'KeyFileUnusable'
}

/** What the database says of the keys. */
export interface KeyNeeds {
  /** Names of the keys that sealed what is in it. */
  readonly inUse: readonly string[]
  /** Whether other brokers use it too: a key that one of them makes for itself is of no use to the others. */
  readonly isShared: boolean
}

/**
 * Reads the key file. Where there is none it is made, with one new key, for its owner alone; but never where an
 * older one is missing.
 * @param path absolute. @param openFolders those, with a slash at the end, whose files others may read.
 * @throws KeyFileUnusable
 */
export async function loadKeyRing(
  path: string,
  random: Randomness,
  needs: KeyNeeds = { inUse: [], isShared: false },
  openFolders: readonly string[] = CONTAINER_SECRETS,
): Promise<KeyRing> {
  const ring = (await readKeyRing(path, random, openFolders)) ?? (await makeKeyRing(path, random, needs))
  const missing = needs.inUse.filter((key) => !ring.has(key))
  if (missing.length === 0) return ring
  throw new KeyFileUnusable(
    `the key file ${path} lacks what sealed authenticators in the database: ${namesOf(missing)}. ${BRING_BACK}`,
  )
}

/** @returns undefined where there is no such file. @throws KeyFileUnusable */
export async function readKeyRing(
  path: string,
  random: Randomness,
  openFolders: readonly string[] = CONTAINER_SECRETS,
): Promise<KeyRing | undefined> {
  const content = await read(path, openFolders)
  return content === undefined ? undefined : new KeyRing(keysFrom(path, content), random)
}

async function makeKeyRing(path: string, random: Randomness, needs: KeyNeeds): Promise<KeyRing> {
  refuseToReplace(path, needs)
  return new KeyRing(keysFrom(path, await makeAndRead(path, random)), random)
}

const BRING_BACK =
  'Bring back the copy of the file that belongs to the database; a new key does not open the seeds in it'

/** Its members first, and the rest by their number: a list for people. */
function namesOf(keys: readonly string[]): string {
  const shown = keys.slice(0, 3).map((key) => `"${key}"`)
  return `${keys.length === 1 ? 'the key' : 'the keys'} ${shown.join(', ')}${keys.length > 3 ? ' …' : ''}`
}

/** @throws KeyFileUnusable where a new file would stand in the place of one that was lost, or differ from others'. */
function refuseToReplace(path: string, { inUse, isShared }: KeyNeeds): void {
  if (inUse.length > 0) {
    throw new KeyFileUnusable(
      `the key file ${path} is missing, and authenticators in the database are sealed by ${namesOf(inUse)}. ${BRING_BACK}`,
    )
  }
  if (isShared) {
    const key = '$(od -An -N4 -tx1 /dev/urandom | tr -d " "):$(head -c 32 /dev/urandom | base64)'
    throw new KeyFileUnusable(
      `the key file ${path} is missing. Brokers that share a database need the same file: copy it from another of them; for the first one run: (umask 077; echo "${key}" > ${path})`,
    )
  }
}

async function makeAndRead(path: string, random: Randomness): Promise<string> {
  try {
    await make(path, random)
  } catch (error) {
    throw new KeyFileUnusable(`the key file ${path} cannot be made: ${systemWords(error)}`, { cause: error })
  }
  const content = await read(path, [])
  if (content === undefined) throw new KeyFileUnusable(`the key file ${path} was removed while it was made`)
  return content
}

/**
 * The file appears whole or not at all, and never in the place of another: two processes that start at the same
 * moment end with the same key, and a crash leaves no half of one.
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

/** The name of a new file is durable only with its folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** @returns undefined where there is no such file. */
async function read(path: string, openFolders: readonly string[]): Promise<string | undefined> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new KeyFileUnusable(`the key file ${path} cannot be read: ${systemWords(error)}`, { cause: error })
  }
  try {
    const facts = await file.stat()
    if (!facts.isFile()) throw new KeyFileUnusable(`the key file ${path} is not a file`)
    if ((facts.mode & GROUP_AND_OTHERS) !== 0 && !isAmong(openFolders, path))
      throw new KeyFileUnusable(
        `the key file ${path} is open to other users of this machine; run: chmod 600 ${path}`,
      )
    if (facts.size > LARGEST_FILE) throw new KeyFileUnusable(`the key file ${path} is too long to be one`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
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
    throw new KeyFileUnusable(`the key file ${path} cannot be used: ${problems.join('; ')}. ${BRING_BACK}`)
  return [first, ...others]
}
