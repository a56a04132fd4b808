import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Spool, type SpoolOptions } from '../../src/accounting/spool.ts'
import { recordOfLine, spoolLine } from '../../src/accounting/spool-line.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { LogFields } from '../../src/domain/log.ts'
import type { AccountingRecord } from '../../src/domain/session.ts'
import { anyCharacter } from '../any-character.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'

/** Milliseconds: a machine that has other work, too, takes its time. */
const PATIENT = { timeout: 10_000 }

let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder('spool')
  onTestFinished(() => folder.remove())
})

const record = (number: number, acctSession = `s${number}`): AccountingRecord => ({
  kind: 'interim',
  gateway: 'gw1',
  user: '用户 "bob"\u2028',
  acctSession,
  at: number,
  seconds: number,
  octetsIn: 2 ** 40,
  octetsOut: 0,
})

/** A database that takes what it is given while `isThere`, and refuses one session for good. */
class Database {
  isThere = false
  readonly taken: AccountingRecord[] = []
  asked = 0
  onTaken: (entry: AccountingRecord) => void = () => {}

  record = async (entry: AccountingRecord): Promise<void> => {
    this.asked++
    await sleep(1)
    if (!this.isThere) throw new Unavailable('storage', 'PostgreSQL is away')
    if (entry.acctSession === 'poison') throw new Error('no such session can be')
    this.taken.push(entry)
    this.onTaken(entry)
  }

  numbers(): number[] {
    return this.taken.map(({ at }) => at)
  }
}

function openSpool(sessions: Database, more: Partial<SpoolOptions> = {}) {
  const lines: [event: string, fields: LogFields | undefined][] = []
  const write = (event: string, fields?: LogFields) => void lines.push([event, fields])
  const log = { debug: write, info: write, warn: write, error: write }
  const spool = new Spool({ folder: folder.file('spool'), name: 'acct', retryMs: 10, sessions, log, ...more })
  onTestFinished(() => spool.close())
  return { spool, lines }
}

const waiting = () => folder.file('spool/acct.waiting')
const leaving = () => folder.file('spool/acct.leaving')
const refused = () => folder.file('spool/acct.refused')
const isEmpty = () => !existsSync(waiting()) && !existsSync(leaving())

describe('a line of the spool', () => {
  test('gives its record back', () => {
    const texts = fc.record({ user: fc.string({ unit: anyCharacter }), acctSession: fc.string() })
    fc.assert(
      fc.property(texts, fc.nat(), (more, at) => {
        const line = spoolLine({ ...record(at), ...more })
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(recordOfLine(line.slice(0, -1))).toEqual({ ...record(at), ...more })
      }),
    )
  })

  test('is nothing where any part of it is missing or changed', () => {
    const line = spoolLine(record(7)).slice(0, -1)
    for (let length = 0; length < line.length; length++)
      expect(recordOfLine(line.slice(0, length))).toBeUndefined()
    expect(recordOfLine(line.replace('"at":7', '"at":8'))).toBeUndefined()
    expect(recordOfLine(`${line} `)).toBeUndefined()
  })
})

describe('the spool', () => {
  test('delivers in order what the database could not take, and each record once', async () => {
    const database = new Database()
    const { spool, lines } = openSpool(database)
    spool.begin()
    for (let number = 0; number < 300; number++) await spool.append(record(number, `s${number % 7}`))
    await sleep(50)
    expect(database.taken).toEqual([])
    database.isThere = true
    await vi.waitUntil(isEmpty, PATIENT)
    expect(database.numbers().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, at) => at))
    for (let session = 0; session < 7; session++) {
      const numbers = database.numbers().filter((at) => at % 7 === session)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
    expect(database.taken[0]).toEqual(record(0))
    await vi.waitFor(
      () => expect(lines).toContainEqual(['accounting.delivered', { spool: 'acct', records: 300 }]),
      PATIENT,
    )
    expect(existsSync(refused())).toBe(false)
  })

  test('takes records that come while others are being delivered', async () => {
    const database = new Database()
    const { spool } = openSpool(database)
    database.isThere = true
    spool.begin()
    await Promise.all(Array.from({ length: 500 }, (_, number) => spool.append(record(number))))
    await vi.waitUntil(isEmpty, PATIENT)
    expect(new Set(database.numbers()).size).toBe(500)
    expect(database.taken).toHaveLength(500)
  })

  test('asks a database that is away for one record at a time', async () => {
    const database = new Database()
    const { spool } = openSpool(database, { retryMs: 30 })
    for (let number = 0; number < 200; number++) await spool.append(record(number))
    const startedAt = performance.now()
    spool.begin()
    await vi.waitUntil(() => database.asked >= 4, PATIENT)
    expect(performance.now() - startedAt).toBeGreaterThan(60)
  })

  test('holds what is acknowledged on disk, and delivers it after the process is gone', async () => {
    const before = openSpool(new Database())
    await before.spool.append(record(1))
    expect(readFileSync(waiting(), 'utf8')).toBe(spoolLine(record(1)))
    expect(statSync(waiting()).mode & 0o777).toBe(0o600)
    expect(statSync(folder.file('spool')).mode & 0o777).toBe(0o700)
    const database = new Database()
    database.isThere = true
    const { spool } = openSpool(database)
    spool.begin()
    await vi.waitUntil(isEmpty, PATIENT)
    expect(database.numbers()).toEqual([1])
  })

  test('goes on where a process ended in the middle of a delivery, the older file first', async () => {
    const database = new Database()
    mkdirSync(folder.file('spool'))
    writeFileSync(leaving(), [1, 2].map((number) => spoolLine(record(number, 's'))).join(''))
    writeFileSync(waiting(), spoolLine(record(3, 's')))
    const { spool } = openSpool(database)
    spool.begin()
    await spool.append(record(4, 's'))
    database.isThere = true
    await vi.waitUntil(isEmpty, PATIENT)
    expect(database.numbers()).toEqual([1, 2, 3, 4])
  })

  test('removes a file into which a process had written nothing when it ended', async () => {
    const database = new Database()
    database.isThere = true
    mkdirSync(folder.file('spool'))
    writeFileSync(waiting(), '')
    const { spool } = openSpool(database)
    spool.begin()
    await vi.waitUntil(() => !existsSync(waiting()), PATIENT)
    await spool.append(record(1))
    await vi.waitUntil(() => database.taken.length === 1, PATIENT)
  })

  test('loses nothing but the line that was torn when the process was ended', async () => {
    const { spool: before } = openSpool(new Database())
    for (const number of [1, 2, 3]) await before.append(record(number))
    await before.close()
    truncateSync(waiting(), statSync(waiting()).size - 5)
    const database = new Database()
    const { spool, lines } = openSpool(database)
    await spool.append(record(4))
    database.isThere = true
    spool.begin()
    await vi.waitUntil(isEmpty, PATIENT)
    expect(database.numbers().sort()).toEqual([1, 2, 4])
    expect(readFileSync(refused(), 'utf8')).toBe(`${spoolLine(record(3)).slice(0, -5)}\n`)
    expect(lines).toContainEqual([
      'accounting.refused',
      { spool: 'acct', file: refused(), error: 'the line is damaged' },
    ])
  })

  test('sets lines aside that are damaged or that the database will never take, and goes on', async () => {
    const database = new Database()
    const { spool, lines } = openSpool(database)
    await spool.append(record(1))
    await spool.append(record(2, 'poison'))
    await spool.append(record(3))
    appendFileSync(waiting(), 'scrambled\n')
    await spool.append(record(4))
    database.isThere = true
    spool.begin()
    await vi.waitUntil(isEmpty, PATIENT)
    expect(database.numbers().sort()).toEqual([1, 3, 4])
    expect(readFileSync(refused(), 'utf8').split('\n').sort()).toEqual(
      ['', 'scrambled', spoolLine(record(2, 'poison')).trimEnd()].sort(),
    )
    expect(lines.filter(([event]) => event === 'accounting.refused')).toHaveLength(2)
  })

  test('refuses in words what is more than it may hold, and takes more when it is empty again', async () => {
    const database = new Database()
    const { spool } = openSpool(database, { atMost: 400 })
    await spool.append(record(1))
    await spool.append(record(2))
    const more = spool.append(record(3))
    await expect(more).rejects.toBeInstanceOf(Unavailable)
    await expect(more).rejects.toThrow(`wait in ${folder.file('spool')} already, and no more than 400 may`)
    database.isThere = true
    spool.begin()
    await vi.waitUntil(isEmpty, PATIENT)
    await spool.append(record(4))
    await vi.waitUntil(isEmpty, PATIENT)
    expect(database.numbers().sort()).toEqual([1, 2, 4])
  })

  test('skips nothing of the next file where the last one went and its removal still ended with an error', async () => {
    const database = new Database()
    const { spool, lines } = openSpool(database)
    for (const number of [1, 2, 3]) await spool.append(record(number, 's'))
    database.isThere = true
    // With its folder the file is gone, but the folder can no longer be written to the disk.
    database.onTaken = ({ at }) => {
      if (at === 3) rmSync(folder.file('spool'), { recursive: true })
    }
    spool.begin()
    await vi.waitUntil(() => lines.some(([event]) => event === 'accounting.spool_fault'), PATIENT)
    mkdirSync(folder.file('spool'))
    for (const number of [4, 5, 6, 7]) await spool.append(record(number, 's'))
    await vi.waitUntil(isEmpty, PATIENT)
    expect(database.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test('takes no more at one time than a disk that hangs may leave in memory', async () => {
    const { spool } = openSpool(new Database())
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5000 }, (_, number) => spool.append(record(number))),
    )
    const refusals = outcomes.filter(({ status }) => status === 'rejected')
    expect(refusals).toHaveLength(5000 - 4096)
    expect(refusals[0]).toMatchObject({ reason: expect.any(Unavailable) })
    await spool.append(record(5000))
  })

  test('is refused in words where its folder cannot be', () => {
    writeFileSync(folder.file('spool'), '')
    expect(() => openSpool(new Database())).toThrow(/spool cannot be written .* storage\.spool/)
  })

  test('is closed in the middle of a delivery without a loss', async () => {
    const database = new Database()
    database.isThere = true
    const { spool } = openSpool(database)
    spool.begin()
    await Promise.all(Array.from({ length: 300 }, (_, number) => spool.append(record(number))))
    await vi.waitUntil(() => database.taken.length > 0)
    await spool.close()
    const next = openSpool(database)
    next.spool.begin()
    await vi.waitUntil(isEmpty, PATIENT)
    expect(new Set(database.numbers()).size).toBe(300)
  })
})
