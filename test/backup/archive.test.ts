import { hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examineBackup, type KeptFile, writeBackup } from '../../src/backup/archive.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { temporaryFolder } from '../real/folder.ts'

const folder = temporaryFolder('archive')
const PASSPHRASE = new Secret('four words of a song')
const SECRET = 'the key of the seeds, which is nobody else’s'
/** More than one piece of a stream, and not a text. */
const RECORDS = systemRandom.bytes(300_000)

const kept = (part: KeptFile['part'], content: string): KeptFile => ({
  ...{ part, path: `/etc/${part}`, mode: 0o640, isOfService: false },
  content: Buffer.from(content).toString('base64'),
})
const FILES = [kept('configuration', 'radius: {}\n'), kept('keys', SECRET)]

async function write(name: string, passphrase: Secret | undefined): Promise<Buffer> {
  const records = folder.file('records')
  writeFileSync(records, RECORDS)
  const file = await open(folder.file(name), 'wx')
  const madeAt = new Date('2026-01-15T12:00:00Z')
  await writeBackup(file, { madeAt, version: '0.1.0', files: FILES, records, passphrase }, systemRandom)
  await file.close()
  return readFileSync(folder.file(name))
}

async function read(octets: Buffer, passphrase?: Secret) {
  writeFileSync(folder.file('read'), octets)
  const file = await open(folder.file('read'))
  try {
    const examined = await examineBackup(file, 'b.backup')
    const backup = await examined.open(passphrase)
    const to = await open(folder.file('extracted'), 'w')
    await backup.extractRecords(to).finally(() => to.close())
    return { ...examined, files: backup.files, records: readFileSync(folder.file('extracted')) }
  } finally {
    await file.close()
  }
}

let encrypted: Buffer
let plain: Buffer

beforeAll(async () => {
  encrypted = await write('encrypted', PASSPHRASE)
  plain = await write('plain', undefined)
})
afterAll(folder.remove)

describe('a backup', () => {
  test('gives back what was written', async () => {
    const { files, records, ...about } = await read(encrypted, PASSPHRASE)
    expect(about).toMatchObject({ madeAt: '2026-01-15T12:00:00.000Z', version: '0.1.0', isEncrypted: true })
    expect(files).toEqual(FILES)
    expect(records.equals(RECORDS)).toBe(true)
  })

  test('without a passphrase gives records and configuration, and no other file, even if it was forged', async () => {
    const { files, records } = await read(plain)
    expect(files).toEqual([FILES[0]])
    expect(records.equals(RECORDS)).toBe(true)
  })

  test('is encrypted with another key each time', async () => {
    const again = await write('again', PASSPHRASE)
    const start = encrypted.indexOf('\n') + 1
    expect(again.subarray(start, start + 64).equals(encrypted.subarray(start, start + 64))).toBe(false)
  })

  test('is opened by its passphrase alone', async () => {
    await expect(read(encrypted, new Secret('four words of a sonG'))).rejects.toThrow(
      'the passphrase is not that of b.backup. Nothing was changed',
    )
    await expect(read(encrypted)).rejects.toThrow('its passphrase is needed')
  })

  test('is refused wherever it was cut off', async () => {
    const lengths = [16, 60, encrypted.indexOf('\n') + 1, 5000, encrypted.length - 80, encrypted.length - 1]
    for (const length of lengths)
      await expect(read(encrypted.subarray(0, length), PASSPHRASE), String(length)).rejects.toThrow(
        'was cut off',
      )
  })

  test('is refused whichever octet was changed', async () => {
    for (let at = 0; at < encrypted.length; at += 1009) await expect(read(changed(at))).rejects.toThrow(NAMED)
    for (const at of [1, 20, 100, encrypted.length - 100, encrypted.length - 70, encrypted.length - 5])
      await expect(read(changed(at))).rejects.toThrow(NAMED)
    await expect(read(changed(5000))).rejects.toThrow('was changed or damaged after it was written')
  })

  test('is refused where its sum was made to fit what was changed in it', async () => {
    const first = Buffer.from(encrypted.toString('latin1').replace('"0.1.0"', '"9.1.0"'), 'latin1')
    const body = first.subarray(0, -72)
    const sum = hash('sha256', body)
    await expect(read(Buffer.concat([body, Buffer.from(`sha256:${sum}\n`)]), PASSPHRASE)).rejects.toThrow(
      'the passphrase is not that of b.backup',
    )
  })

  test('of a newer format, and what is none, is named', async () => {
    const newer = Buffer.from(encrypted.toString('latin1').replace('backup 1 ', 'backup 2 '), 'latin1')
    await expect(read(newer)).rejects.toThrow(
      'b.backup has format 2; this version of ocbroker reads format 1',
    )
    await expect(read(Buffer.from('SQLite format 3\0'))).rejects.toThrow('is not a backup made by ocbroker')
    await expect(read(Buffer.alloc(0))).rejects.toThrow('is not a backup made by ocbroker')
  })

  test('shows neither the keys nor the passphrase', () => {
    const text = encrypted.toString('latin1')
    for (const secret of [SECRET, FILES[1]?.content ?? '', PASSPHRASE.reveal()])
      expect(text).not.toContain(secret)
  })
})

const NAMED = /was cut off|was changed|is not a backup|has format/

function changed(at: number): Buffer {
  const copy = Buffer.from(encrypted)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
