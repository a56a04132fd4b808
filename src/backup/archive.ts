import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createHash,
  type DecipherGCM,
  scrypt,
} from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { PassThrough, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGunzip, createGzip } from 'node:zlib'
import { OperatorError } from '../domain/errors.ts'
import type { Randomness } from '../domain/random.ts'
import type { Secret } from '../domain/secret.ts'

/*
 * A backup is one line of text, a payload, and the line `sha256:HEX`, which sums up all octets before it. The payload
 * is what gzip makes of a line of JSON with the files and of the records as an SQLite database. With a passphrase it is
 * encrypted with AES-256-GCM by a key from scrypt (RFC 7914); the first line is authenticated with it, and the tag
 * of 16 octets follows.
 */

const FORMAT = 1
const FIRST_LINE = /^ocbroker backup (\d{1,6}) (\{.*\})\n/
const LAST_LINE = /^sha256:([0-9a-f]{64})\n$/
const LAST_LINE_OCTETS = 72
const MAX_FIRST_LINE_OCTETS = 4096
/** Configuration, keys and certificates are small. */
const MAX_FILES_OCTETS = 64 * 2 ** 20
const CIPHER = 'aes-256-gcm'
const TAG_OCTETS = 16
/** 128 MiB and a third of a second for each try. */
const COST = { N: 2 ** 17, r: 8, p: 1 } as const
const MAX_MEMORY = 256 * 2 ** 20

/** A file that is kept beside the records. */
export interface KeptFile {
  readonly part: 'configuration' | 'keys' | 'named by the configuration'
  /** Absolute; of what the configuration names: as it stands there. */
  readonly path: string
  /** Permissions. */
  readonly mode: number
  /** Whether it belonged to the account that the broker runs as, and this is not root. */
  readonly isOfService: boolean
  /** Base64. */
  readonly content: string
}

interface FirstLine {
  /** ISO 8601. */
  readonly madeAt: string
  /** Of the program. */
  readonly version: string
  /** Base64; absent: not encrypted. */
  readonly salt?: string
  readonly nonce?: string
}

export interface BackupToWrite {
  readonly madeAt: Date
  readonly version: string
  readonly files: readonly KeptFile[]
  /** An SQLite database that nobody writes to. */
  readonly records: string
  /** Absent: not encrypted. */
  readonly passphrase: Secret | undefined
}

/** Writes a backup from the beginning of an empty file, and waits until the disk has it. */
export async function writeBackup(to: FileHandle, backup: BackupToWrite, random: Randomness): Promise<void> {
  const { madeAt, version, passphrase } = backup
  const salt = random.bytes(16)
  const nonce = random.bytes(12)
  const sealing =
    passphrase === undefined ? {} : { salt: salt.toString('base64'), nonce: nonce.toString('base64') }
  const facts: FirstLine = { madeAt: madeAt.toISOString(), version, ...sealing }
  const firstLine = Buffer.from(`ocbroker backup ${FORMAT} ${JSON.stringify(facts)}\n`)
  const digest = createHash('sha256')
  const put = async (octets: Buffer) => {
    digest.update(octets)
    await to.appendFile(octets)
  }
  await put(firstLine)
  let cipher: CipherGCM | undefined
  if (passphrase !== undefined) {
    cipher = createCipheriv(CIPHER, await keyFrom(passphrase, salt), nonce).setAAD(firstLine)
  }
  await pipeline(payload(backup), createGzip(), cipher ?? new PassThrough(), (octets) => each(octets, put))
  if (cipher !== undefined) await put(cipher.getAuthTag())
  await to.appendFile(`sha256:${digest.digest('hex')}\n`)
  await to.sync()
}

async function* payload({ files, records }: BackupToWrite): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(files)}\n`)
  yield* createReadStream(records)
}

async function each(
  source: AsyncIterable<Buffer>,
  work: (octets: Buffer) => void | Promise<void>,
): Promise<void> {
  for await (const octets of source) await work(octets)
}

/** A backup whose octets are those that were written. */
export interface ExaminedBackup {
  readonly madeAt: string
  readonly version: string
  readonly isEncrypted: boolean
  /** @param passphrase needed where it is encrypted. @throws OperatorError if it is another one. */
  open(passphrase: Secret | undefined): Promise<OpenedBackup>
}

export interface OpenedBackup {
  readonly files: readonly KeptFile[]
  /** Writes the records as an SQLite database. @param to an empty file. */
  extractRecords(to: FileHandle): Promise<void>
}

/** Reads all of it and changes nothing. @param name for messages. @throws OperatorError that says what is wrong. */
export async function examineBackup(file: FileHandle, name: string): Promise<ExaminedBackup> {
  const { size } = await file.stat()
  const { text, facts } = await readFirstLine(file, name)
  const last = await read(file, Math.max(0, size - LAST_LINE_OCTETS), LAST_LINE_OCTETS)
  const [, expected] = LAST_LINE.exec(last.toString('latin1')) ?? []
  if (expected === undefined || size < text.length + LAST_LINE_OCTETS)
    throw new OperatorError(`${name} does not end as a backup does: it was cut off. Nothing was changed`)
  const digest = createHash('sha256')
  await each(partOf(file, 0, size - LAST_LINE_OCTETS), (octets) => void digest.update(octets))
  if (digest.digest('hex') !== expected)
    throw new OperatorError(
      `${name} was changed or damaged after it was written (its SHA-256 differs). Nothing was changed`,
    )
  const { madeAt, version, salt, nonce } = facts
  const start = text.length
  const end = size - LAST_LINE_OCTETS
  if (salt === undefined || nonce === undefined) {
    const plain = () => [partOf(file, start, end), new PassThrough()] as const
    const open = async () => {
      const backup = await opened(plain, name)
      // Anybody could have made it, and root may be told to restore it.
      return { ...backup, files: backup.files.filter(({ part }) => part === 'configuration') }
    }
    return { madeAt, version, isEncrypted: false, open }
  }
  const open = async (passphrase: Secret | undefined) => {
    if (passphrase === undefined) throw new OperatorError(`${name} is encrypted: its passphrase is needed`)
    const key = await keyFrom(passphrase, Buffer.from(salt, 'base64'))
    const tag = await read(file, end - TAG_OCTETS, TAG_OCTETS)
    const decrypted = () => {
      const decipher: DecipherGCM = createDecipheriv(CIPHER, key, Buffer.from(nonce, 'base64'), {
        authTagLength: TAG_OCTETS,
      })
      return [partOf(file, start, end - TAG_OCTETS), decipher.setAAD(text).setAuthTag(tag)] as const
    }
    // Nothing of it is looked at before all of it is known to be right.
    await pipeline(...decrypted(), (octets) => each(octets, () => {})).catch((error: unknown) => {
      throw new OperatorError(`the passphrase is not that of ${name}. Nothing was changed`, { cause: error })
    })
    return opened(decrypted, name)
  }
  return { madeAt, version, isEncrypted: true, open }
}

async function readFirstLine(file: FileHandle, name: string): Promise<{ text: Buffer; facts: FirstLine }> {
  const start = (await read(file, 0, MAX_FIRST_LINE_OCTETS)).toString('latin1')
  if (!start.startsWith('ocbroker backup '))
    throw new OperatorError(`${name} is not a backup made by ocbroker`)
  const [line, format, json = ''] = FIRST_LINE.exec(start) ?? []
  if (line === undefined)
    throw new OperatorError(`${name} was cut off, or changed, in its first line. Nothing was changed`)
  if (Number(format) !== FORMAT)
    throw new OperatorError(
      `${name} has format ${format}; this version of ocbroker reads format ${FORMAT}. Nothing was changed: restore with the version that made it, or a newer one`,
    )
  try {
    return { text: Buffer.from(line, 'latin1'), facts: JSON.parse(json) }
  } catch (error) {
    throw new OperatorError(`${name} was changed in its first line. Nothing was changed`, { cause: error })
  }
}

type Source = () => readonly [AsyncIterable<Buffer>, Transform]

async function opened(source: Source, name: string): Promise<OpenedBackup> {
  let line: Buffer | undefined
  await pipeline(...source(), createGunzip(), async (octets) => {
    for await (const part of firstLineAndRest(octets)) line ??= part.line
  })
  if (line === undefined) throw new OperatorError(`${name} does not begin with a list of files`)
  const extractRecords = (to: FileHandle) =>
    pipeline(...source(), createGunzip(), async (octets) => {
      for await (const { rest } of firstLineAndRest(octets)) if (rest !== undefined) await to.appendFile(rest)
    })
  return { files: JSON.parse(line.toString('utf8')), extractRecords }
}

/** Yields the first line once, and then what follows, as it comes. */
async function* firstLineAndRest(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly line?: Buffer; readonly rest?: Buffer }> {
  let line: Buffer | undefined
  let start = Buffer.alloc(0)
  for await (const octets of source) {
    if (line !== undefined) {
      yield { rest: octets }
      continue
    }
    start = Buffer.concat([start, octets])
    const end = start.indexOf('\n')
    if (end === -1 && start.length > MAX_FILES_OCTETS) return
    if (end === -1) continue
    line = start.subarray(0, end)
    yield { line, rest: start.subarray(end + 1) }
  }
}

function partOf(file: FileHandle, start: number, end: number): AsyncIterable<Buffer> {
  return file.createReadStream({ start, end: end - 1, autoClose: false })
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

const derive = promisify<Buffer, Buffer, number, object, Buffer>(scrypt)

function keyFrom(passphrase: Secret, salt: Buffer): Promise<Buffer> {
  return derive(passphrase.bytes(), salt, 32, { ...COST, maxmem: MAX_MEMORY })
}
