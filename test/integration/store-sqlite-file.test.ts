import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { type OpenStore, sqlRepositories } from '../../src/store/repositories.ts'
import { openForWriting } from '../../src/store/sqlite/database.ts'
import { openSqlite, type SqliteOptions } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from '../real/folder.ts'
import { eventOf, unique, userNamed } from '../store/samples.ts'

const folder = temporaryFolder('sqlite')
afterAll(() => folder.remove())

const newFile = () => folder.file(unique('store'))

async function opened<T>(options: SqliteOptions, use: (store: OpenStore) => Promise<T>): Promise<T> {
  const store = await openSqlite({ serves: false, ...options })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

const inThisThread = (path: string) => openForWriting({ path, readOnly: false, busyMs: 50 })

/** A store that was closed properly, as another start finds it. */
async function madeFile(user = unique('user')): Promise<string> {
  const path = newFile()
  const { database, db } = await inThisThread(path)
  await sqlRepositories(db, { random: systemRandom }).users.add(userNamed(user))
  database.close()
  return path
}

describe('a store in a file', () => {
  test('is made in a folder of its own that nobody else can read', async () => {
    const path = `${newFile()}/deep/broker.db`
    await opened({ path }, async ({ records }) => {
      await records.users.add(userNamed('anna'))
      for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
    })
  })

  test('is taken from group and others when it is opened, with the files beside it', async () => {
    const path = await madeFile()
    for (const file of [path, `${path}-wal`, `${path}-shm`]) {
      appendFileSync(file, '')
      chmodSync(file, 0o666)
    }
    await opened({ path }, async ({ records }) => {
      await records.users.add(userNamed('anna'))
      for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
    })
  })

  test('is there again when it is opened again', async () => {
    const path = await madeFile('anna')
    await opened({ path, serves: true }, async ({ records, checkReady }) => {
      await checkReady()
      expect(await records.users.find('anna')).toEqual(userNamed('anna'))
    })
  })

  test('waits for the disk at every commit', async () => {
    // The journal's mode is kept in the file; how much is waited for belongs to each connection.
    const path = await madeFile()
    const { database } = await inThisThread(path)
    const setting = (name: string) => Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0]
    expect(setting('journal_mode')).toBe('wal')
    expect(setting('synchronous')).toBe(2)
    expect(setting('foreign_keys')).toBe(1)
    expect(setting('trusted_schema')).toBe(0)
    database.close()
  })

  test('finishes what waits before it closes, and takes nothing afterwards', async () => {
    const path = newFile()
    const user = unique('user')
    const store = await openSqlite({ path })
    const appended = Array.from({ length: 300 }, () => store.records.audit.append(eventOf(user)))
    const closed = store.close()
    await expect(store.records.audit.append(eventOf(user))).rejects.toMatchObject({ name: 'Unavailable' })
    await closed
    await Promise.all(appended)
    expect(existsSync(`${path}-wal`)).toBe(false)
    await opened({ path }, async ({ records }) =>
      expect(await records.audit.list({ user, limit: 999 })).toHaveLength(300),
    )
  })

  test('refuses calls at once when too many are waiting', async () => {
    await opened({ path: newFile(), maxWaiting: 10 }, async ({ records }) => {
      const user = unique('user')
      const answers = await Promise.allSettled(
        Array.from({ length: 15 }, () => records.audit.append(eventOf(user))),
      )
      const refused = answers.filter((answer) => answer.status === 'rejected')
      expect(refused).toHaveLength(5)
      expect(refused[0]?.reason).toMatchObject({ name: 'Unavailable', what: 'storage' })
      await records.audit.append(eventOf(user))
      expect(await records.audit.list({ user, limit: 99 })).toHaveLength(11)
    })
  })

  test('is unavailable while another process keeps it locked, and available afterwards', async () => {
    const path = newFile()
    await opened({ path, busyMs: 50, serves: true }, async ({ records, checkReady }) => {
      const user = unique('user')
      const other = new DatabaseSync(path)
      other.exec('begin immediate')
      await expect(records.audit.append(eventOf(user))).rejects.toMatchObject({ name: 'Unavailable' })
      await expect(checkReady()).rejects.toMatchObject({ name: 'Unavailable' })
      // Reading goes on.
      expect(await records.audit.list({ user, limit: 9 })).toEqual([])
      other.exec('commit')
      other.close()
      await checkReady()
      await records.audit.append(eventOf(user))
    })
  })

  test('can be opened and written by several at once, from the first moment', async () => {
    const path = newFile()
    const user = unique('user')
    const stores = await Promise.all([1, 2, 3].map(() => openSqlite({ path, serves: false })))
    const each = 100
    await Promise.all(
      stores.flatMap(({ records }) =>
        Array.from({ length: each }, () => records.audit.append(eventOf(user))),
      ),
    )
    for (const { records } of stores) {
      expect(await records.audit.list({ user, limit: 999 })).toHaveLength(each * stores.length)
    }
    await Promise.all(stores.map((store) => store.close()))
  })
})

describe('a file that cannot be the store', () => {
  const refused = async (path: string, ...words: readonly string[]) => {
    const before = existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined
    const error = await inThisThread(path).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!(error instanceof Error)) throw new Error(`${path} was opened`)
    for (const word of [path, ...words]) expect(error.message).toContain(word)
    if (before !== undefined) expect(readFileSync(path).equals(before)).toBe(true)
  }

  test('is refused where it is no database', async () => {
    const path = newFile()
    writeFileSync(path, 'storage: { sqlite: data/broker.db }\n')
    await refused(path, 'not an SQLite database', 'Nothing was changed')
    await expect(openSqlite({ path })).rejects.toThrow(/^\/.* is not an SQLite database/)
  })

  test('is refused where it is a folder', async () => {
    const path = newFile()
    mkdirSync(path)
    await refused(path, 'cannot be opened')
  })

  test('is refused where it belongs to another program', async () => {
    const path = newFile()
    const other = new DatabaseSync(path)
    other.exec('create table cookies (host text)')
    other.close()
    await refused(path, 'another program', 'Nothing was changed')
  })

  test('is refused where it is damaged', async () => {
    const path = await madeFile()
    const bytes = readFileSync(path)
    // The header stays whole; of every page behind it a part is overwritten.
    for (let page = 4096; page < bytes.length; page += 4096) bytes.fill(0xa5, page, page + 512)
    writeFileSync(path, bytes)
    await refused(path, 'is damaged', 'Nothing was changed', '.recover')
  })

  test('is refused where it is damaged in a place that no start looks at', async () => {
    const path = newFile()
    const { database, db } = await inThisThread(path)
    const { audit } = sqlRepositories(db, { random: systemRandom })
    for (let event = 0; event < 300; event++) await audit.append(eventOf('anna'))
    database.close()
    const bytes = readFileSync(path)
    bytes.fill(0xa5, bytes.length - 4096)
    writeFileSync(path, bytes)
    await refused(path, 'is damaged', 'Nothing was changed')
  })

  test('is refused where it is cut short', async () => {
    const path = await madeFile()
    writeFileSync(path, readFileSync(path).subarray(0, 5 * 4096 + 100))
    await refused(path, 'is damaged')
  })

  test('is refused where a newer version wrote it', async () => {
    const path = await madeFile()
    const newer = new DatabaseSync(path)
    newer.exec(
      "insert into ocbroker_migration (name, timestamp) values ('0099-future', '2030-01-01T00:00:00Z')",
    )
    newer.close()
    await refused(path, 'newer version', '0099-future', 'Nothing was changed')
  })
})
