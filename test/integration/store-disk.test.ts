import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { translator } from '../../src/i18n/messages.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { install } from '../real/broker.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { fillDisk } from '../real/full-disk.ts'
import { guard } from '../real/guard.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { accountingRequest, ask, loginRequest } from '../real/radius-socket.ts'
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
      records.login.admit(
        admission(user, { kind: 'totp', enrolment: enrolment.id, step: ++step, driftMs: 0 }),
      )
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

  test('makes its broker refuse logins and count nothing when it is full, and keeps what was acknowledged', async () => {
    const broker = await install({
      sections: {
        second_factor: { required: false },
        lockout: { after: 1 },
        limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
        storage: { sqlite: path, key_file: join(folder.path, 'seed.key') },
      },
    })
    onTestFinished(broker.remove)
    await addPeople(broker, [{ name: 'alice', password: 'correct horse', enrolled: false }])
    const running = await broker.serve()
    onTestFinished(running.stop)
    const { secret, authPort, acctPort } = broker
    const login = async () => {
      const reply = await ask(authPort, loginRequest({ secret, user: 'alice', password: 'correct horse' }))
      return reply?.message ?? reply?.code
    }
    const account = async (session: string, status: 1 | 2) => {
      const attributes = [
        encodeAttribute('Acct-Status-Type', status),
        encodeAttribute('User-Name', 'alice'),
        encodeAttribute('Acct-Session-Id', session),
        encodeAttribute('Calling-Station-Id', '198.51.100.1'),
      ]
      return (await ask(acctPort, accountingRequest(secret, attributes), { tries: 1 }))?.code
    }

    const ballast = join(folder.path, 'ballast')
    writeFileSync(ballast, Buffer.alloc(1000 * 1024))
    let accepted = 0
    while ((await login()) === 'Access-Accept') {
      accepted++
      // Every bit of room that others leave.
      if (accepted % 20 === 0) fillDisk(ballast)
    }
    fillDisk(ballast)
    const refusals = [await login(), await login(), await login()]
    expect(refusals).toEqual(refusals.map(() => translator('en')('vpn.refused.unavailable')))
    // ocserv denies the login when a Start is not answered; a Stop comes again until it is.
    expect(await account('started', 1)).toBe('Accounting-Response')
    expect(await account('stopped', 2)).toBeUndefined()

    rmSync(ballast)
    await expect.poll(login).toBe('Access-Accept')
    expect(await account('stopped', 2)).toBe('Accounting-Response')
    await running.kill()
    const database = new DatabaseSync(path)
    const count = (sql: string) => Number(Object.values(database.prepare(sql).get() ?? {})[0])
    const events = count("select count(*) from audit_events where kind = 'login.accepted'")
    expect(events).toBeGreaterThanOrEqual(accepted + 1)
    expect(count('select count(*) from sessions where granted_at is not null')).toBe(events)
    expect(count("select count(*) from sessions where acct_session = 'stopped' and stopped_at > 0")).toBe(1)
    expect(count('select count(*) from lockouts')).toBe(0)
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
