import { closeSync, openSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { openForWriting } from '../../src/store/sqlite/database.ts'
import { DirectReads } from '../../src/store/sqlite/direct-reads.ts'
import { temporaryFolder } from '../real/folder.ts'
import { enrolmentOf, NOON, userNamed } from './samples.ts'

/** A file with one user, the direct reads of it, and what was asked of the other thread. */
async function openDirectReads() {
  const folder = temporaryFolder('direct-reads')
  onTestFinished(() => folder.remove())
  const path = folder.file('broker.db')
  const { db, database } = await openForWriting({ path, readOnly: false, busyMs: 100 })
  onTestFinished(() => database.close())
  const records = sqlRepositories(db, { random: systemRandom })
  await records.users.add(userNamed('bob'))
  await records.enrolments.replace({ enrolment: enrolmentOf('bob'), recoveryHashes: [] })
  const time = { now: 0, perLook: 0 }
  const monotonic = () => (time.now += time.perLook)
  const elsewhere: string[] = []
  const other = {
    users: { find: async (name: string) => void elsewhere.push(name) },
    login: {
      view: async () => ({ enrolments: [], locks: [], knownAddress: false }),
      viewDirectory: async () => ({ locks: [], knownAddress: false }),
    },
    usage: { spent: async () => [] },
  }
  const direct = new DirectReads(path, other, { now: () => NOON, monotonic })
  onTestFinished(() => direct.close())
  return { direct, database, records, time, elsewhere, path }
}

test('reads of a login are made here, and see what was written before', async () => {
  const { direct, records, elsewhere } = await openDirectReads()
  const query = { user: 'bob', subjects: ['bob'], now: NOON }
  const [bob, view] = await Promise.all([direct.users.find('bob'), direct.login.view(query)])
  expect([bob?.name, view.enrolments.length]).toEqual(['bob', 1])
  await records.users.change('bob', { enabled: false })
  expect((await direct.users.find('bob'))?.enabled).toBe(false)
  expect(elsewhere).toEqual([])
})

test('reads go to the other thread for a second after some that were slow', async () => {
  const { direct, time, elsewhere } = await openDirectReads()
  time.perLook = 30
  expect((await direct.users.find('bob'))?.name).toBe('bob')
  time.perLook = 0
  expect(await direct.users.find('bob')).toBeUndefined()
  expect(elsewhere).toEqual(['bob'])
  time.now += 1001
  expect((await direct.users.find('bob'))?.name).toBe('bob')
})

test('a read that fails here is made by the other thread', async () => {
  const { direct, database, elsewhere, path } = await openDirectReads()
  database.exec('pragma wal_checkpoint(truncate)')
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(4096 * 100, 0xff), 0, 4096 * 100, 4096)
  closeSync(file)
  expect(await direct.users.find('bob')).toBeUndefined()
  expect(elsewhere).toEqual(['bob'])
})

test.each([
  [['commit'], false],
  [['commit', 'rollback'], undefined],
])('later reads see later writes also where %j failed', async (failing, enabled) => {
  const { direct, records, time } = await openDirectReads()
  const exec = DatabaseSync.prototype.exec
  const spy = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
    if (failing.includes(sql)) throw new Error('no')
    return exec.call(this, sql)
  })
  expect((await direct.users.find('bob'))?.enabled).toBe(true)
  spy.mockRestore()
  await records.users.change('bob', { enabled: false })
  time.now += 1001
  expect((await direct.users.find('bob'))?.enabled).toBe(enabled)
})

test('a read that is asked for just before the end is answered by the other thread', async () => {
  const { direct, elsewhere } = await openDirectReads()
  const late = direct.users.find('bob')
  direct.close()
  expect(await late).toBeUndefined()
  expect(elsewhere).toEqual(['bob'])
})
