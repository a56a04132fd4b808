import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { guard } from '../real/guard.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { admission, enrolmentOf, unique } from '../store/samples.ts'

const SIZE_KB = 3000

describeWith(['root', 'mount', 'umount'], 'a store on a disk of its own', () => {
  let folder: TemporaryFolder
  let unmount: () => Promise<void>
  let path: string
  beforeEach(async () => {
    folder = temporaryFolder('disk')
    unmount = guard('umount -l "$1"', folder.path)
    await outputOf(thisMachine, 'mount', [
      '-t',
      'tmpfs',
      '-o',
      `size=${SIZE_KB}k,mode=700`,
      'tmpfs',
      folder.path,
    ])
    path = join(folder.path, 'broker.db')
  })
  afterEach(async () => {
    await unmount()
    await folder.remove()
  })

  test('is unavailable when the disk is full, keeps what it acknowledged, and goes on when there is room', async () => {
    const user = unique('user')
    const { records, checkReady, close } = await openSqlite({ path })
    const enrolment = enrolmentOf(user)
    await records.enrolments.replace({ enrolment, recoveryHashes: [] })
    const ballast = join(folder.path, 'ballast')
    writeFileSync(ballast, Buffer.alloc(1000 * 1024))

    let step = 0
    const login = () =>
      records.login.admit(admission(user, { kind: 'totp', enrolment: enrolment.id, step: ++step }))
    const acknowledged: number[] = []
    const refused: unknown[] = []
    while (refused.length < 64 && step < 100_000) {
      const from = step
      const answers = await Promise.allSettled(Array.from({ length: 64 }, login))
      answers.forEach((answer, index) => {
        if (answer.status === 'rejected') refused.push(answer.reason)
        else if (answer.value.kind === 'admitted') acknowledged.push(from + index + 1)
      })
    }
    expect(refused.length).toBeGreaterThanOrEqual(64)
    for (const reason of refused) expect(reason).toMatchObject({ name: 'Unavailable', what: 'storage' })
    // What can be read is still read.
    expect((await records.login.view({ user, subjects: [user], now: 0 })).enrolments).toHaveLength(1)

    rmSync(ballast)
    await checkReady()
    expect(await login()).toEqual({ kind: 'admitted' })
    expect(await records.sessions.list({ user, limit: 100_000 })).toHaveLength(acknowledged.length + 1)
    await close()
    const database = new DatabaseSync(path)
    expect(database.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    database.close()
  })

  test('is refused in words where the disk is read-only', async () => {
    await (await openSqlite({ path })).close()
    await outputOf(thisMachine, 'mount', ['-o', 'remount,ro', folder.path])
    await expect(openSqlite({ path })).rejects.toThrow(`${folder.path} cannot be written`)
    const elsewhere = join(folder.path, 'new', 'broker.db')
    await expect(openSqlite({ path: elsewhere })).rejects.toThrow('storage.sqlite')
  })

  test('is refused in words where there is no room for it', async () => {
    writeFileSync(join(folder.path, 'ballast'), Buffer.alloc((SIZE_KB - 40) * 1024))
    await expect(openSqlite({ path })).rejects.toThrow(`${path} cannot be written`)
  })
})
