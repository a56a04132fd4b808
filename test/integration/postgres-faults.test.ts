import { existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { translator } from '../../src/i18n/messages.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import type { Installation, Sections } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { fillDisk } from '../real/full-disk.ts'
import { guard } from '../real/guard.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { accountingRequest, ask, loginRequest, type Reply } from '../real/radius-socket.ts'
import { unique } from '../store/samples.ts'

const PASSWORD = 'correct horse'
const STATEMENT_MS = 1000
/** What a busy machine may add to anything that is timed here. */
const SLACK_MS = 700
const GENEROUS: Sections = {
  limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
  lockout: { after: 9999, user_after: 9999, address_after: 9999, hard_after: 9999 },
  second_factor: { mode: 'append', required: false },
  passwords: { waiting: 1000 },
}

describeWith(POSTGRES_NEEDS, 'a broker whose records are in PostgreSQL', () => {
  let server: Postgres
  let url: string
  beforeEach(async () => {
    server = await startPostgres()
    url = await server.newDatabase()
  })
  afterEach(() => server.stop())

  async function installed(sections: Sections = {}): Promise<Installation> {
    const postgres = { statement_timeout: `${STATEMENT_MS}ms` }
    const installation = await installOnPostgres({ url, sections: { ...GENEROUS, ...sections }, postgres })
    onTestFinished(installation.remove)
    return installation
  }

  async function serving(installation: Installation) {
    const running = await installation.serve()
    onTestFinished(running.stop)
    return running
  }

  const login = (broker: Installation, user: string, password = PASSWORD): Promise<Reply | undefined> =>
    ask(broker.authPort, loginRequest({ secret: broker.secret, user, password }), { tries: 1 })

  /** @returns whether it was answered, which says that it is kept. */
  const account = async (broker: Installation, user: string, session: string, status = 1) => {
    const attributes = [
      encodeAttribute('Acct-Status-Type', status),
      encodeAttribute('User-Name', user),
      encodeAttribute('Acct-Session-Id', session),
      encodeAttribute('Calling-Station-Id', '198.51.100.1'),
      encodeAttribute('Acct-Session-Time', status - 1),
    ]
    const reply = await ask(broker.acctPort, accountingRequest(broker.secret, attributes), { tries: 1 })
    return reply?.code === 'Accounting-Response'
  }

  const timed = async <T>(work: Promise<T>): Promise<{ value: T; ms: number }> => {
    const startedAt = performance.now()
    const value = await work
    return { value, ms: performance.now() - startedAt }
  }

  /** Milliseconds until somebody gets in. */
  const untilAccepted = async (broker: Installation, user: string) => {
    const startedAt = performance.now()
    while ((await login(broker, user))?.code !== 'Access-Accept') {
      if (performance.now() - startedAt > 10_000) throw new Error('nobody got in within 10 s')
      await sleep(20)
    }
    return performance.now() - startedAt
  }

  const records = (sql: string) => server.ask(sql, new URL(url).pathname.slice(1))
  const isSpoolEmpty = (broker: Installation) =>
    !['waiting', 'leaving', 'refused'].some((kind) =>
      existsSync(broker.folder.file(`accounting/accounting.${kind}`)),
    )
  const codeOf = ({ key }: TestPerson) => generateSync({ secret: key })

  test('loses nothing that it acknowledged when PostgreSQL is killed, and goes on within a second', async () => {
    const broker = await installed()
    const names = ['ann', 'ben', 'cem', 'dan'].map(unique)
    await addPeople(
      broker,
      names.map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
    await serving(broker)
    const accepted = new Map<string, number>()
    const accounted: string[] = []
    let isOver = false
    const users = names.map(async (name) => {
      while (!isOver) {
        if ((await login(broker, name))?.code !== 'Access-Accept') continue
        accepted.set(name, (accepted.get(name) ?? 0) + 1)
        const session = unique('acct')
        if (await account(broker, name, session)) accounted.push(session)
      }
    })
    const waits: number[] = []
    for (let kill = 0; kill < 4; kill++) {
      await sleep(300 + Math.random() * 700)
      await server.kill()
      // Accounting is taken meanwhile.
      const session = unique('acct')
      if (await account(broker, names[0] ?? '', session)) accounted.push(session)
      await sleep(Math.random() * 300)
      await server.restart()
      waits.push(await untilAccepted(broker, names[0] ?? ''))
    }
    isOver = true
    await Promise.all(users)
    expect(Math.max(...waits)).toBeLessThan(1000 + SLACK_MS)
    expect(Math.min(...accepted.values())).toBeGreaterThan(1)
    await expect.poll(() => isSpoolEmpty(broker), { timeout: 5000 }).toBe(true)

    for (const [name, count] of accepted) {
      const events = await records(
        `select count(*) as events from audit_events where kind = 'login.accepted' and user_name = '${name}'`,
      )
      expect(Number(events[0]?.events), name).toBeGreaterThanOrEqual(count)
    }
    expect(accounted.length).toBeGreaterThan(4)
    const kept = await records('select acct_session from sessions where started_at is not null')
    const keptNames = kept.map(({ acct_session }) => acct_session)
    expect(accounted.filter((session) => !keptNames.includes(session))).toEqual([])
    expect(keptNames).toHaveLength(new Set(keptNames).size)
    expect(await records('select * from lockouts')).toEqual([])
  })

  test('lets nobody in while PostgreSQL is away, spends no code, counts nothing, and takes the code afterwards', async () => {
    const broker = await installed({ lockout: { after: 3 }, second_factor: { mode: 'append' } })
    const [alice] = await addPeople(broker, [{ name: 'alice', password: PASSWORD }])
    if (alice === undefined) throw new Error('one was added')
    const running = await serving(broker)
    await server.kill()
    const password = PASSWORD + codeOf(alice)
    for (let round = 0; round < 5; round++) {
      const { value, ms } = await timed(login(broker, 'alice', password))
      expect(value?.code).toBe('Access-Reject')
      expect(ms).toBeLessThan(SLACK_MS)
    }
    await server.restart()
    await expect
      .poll(async () => (await login(broker, 'alice', password))?.code, { timeout: 3000 })
      .toBe('Access-Accept')
    expect((await login(broker, 'alice', password))?.code).toBe('Access-Reject')
    expect(await broker.ocbroker(['lockout', 'list'])).toEqual([])
    const events = (await running.log()).map(({ event }) => event)
    expect(events).toEqual(expect.arrayContaining(['postgres.lost', 'postgres.connected']))
    expect(events.filter((event) => event === 'postgres.lost').length).toBeLessThan(4)
  })

  test('answers while PostgreSQL hangs, within its time-out first and at once then, and goes on when it wakes', async () => {
    const broker = await installed()
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    await serving(broker)
    expect((await login(broker, 'alice'))?.code).toBe('Access-Accept')
    server.hang()
    const sessions = Array.from({ length: 5 }, () => unique('acct'))
    const first = await timed(
      Promise.all([login(broker, 'alice'), account(broker, 'alice', sessions[0] ?? '')]),
    )
    expect(first.value).toMatchObject([{ code: 'Access-Reject' }, true])
    expect(first.ms).toBeLessThan(STATEMENT_MS + 250 + SLACK_MS)
    // From time to time one is sent to see; the others do not wait.
    const further = await Promise.all(Array.from({ length: 20 }, () => timed(login(broker, 'alice'))))
    expect(further.map(({ value }) => value?.code)).toEqual(further.map(() => 'Access-Reject'))
    expect(further.filter(({ ms }) => ms > SLACK_MS).length).toBeLessThan(5)
    for (const session of sessions.slice(1)) {
      const { value, ms } = await timed(account(broker, 'alice', session))
      expect(value).toBe(true)
      expect(ms).toBeLessThan(1000 + SLACK_MS)
    }
    expect(isSpoolEmpty(broker)).toBe(false)

    server.resume()
    expect(await untilAccepted(broker, 'alice')).toBeLessThan(1000 + SLACK_MS)
    await expect.poll(() => isSpoolEmpty(broker), { timeout: 5000 }).toBe(true)
    const kept = (await records('select acct_session from sessions where started_at is not null')).map(
      ({ acct_session }) => acct_session,
    )
    expect(kept.sort()).toEqual([...sessions].sort())
  })

  test('takes a server that may only read for one that is away, as in a failover, and goes on when it may write', async () => {
    const broker = await installed({ lockout: { after: 1 } })
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    const running = await serving(broker)
    expect((await login(broker, 'alice'))?.code).toBe('Access-Accept')
    const database = new URL(url).pathname.slice(1)
    const setReadOnly = async (value: 'on' | 'off') => {
      await server.ask(`alter database ${database} set default_transaction_read_only = ${value}`)
      await server.ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`)
    }
    await setReadOnly('on')
    for (let round = 0; round < 5; round++)
      expect((await login(broker, 'alice'))?.message).toBe(translator('en')('vpn.refused.unavailable'))
    const session = unique('acct')
    expect(await account(broker, 'alice', session)).toBe(true)
    await setReadOnly('off')
    expect(await untilAccepted(broker, 'alice')).toBeLessThan(1000 + SLACK_MS)
    await expect.poll(() => isSpoolEmpty(broker), { timeout: 5000 }).toBe(true)
    const kept = await records('select acct_session from sessions where started_at is not null')
    expect(kept).toEqual([{ acct_session: session }])
    expect(await records('select * from lockouts')).toEqual([])
    await running.logUntil('postgres.lost')
  })

  test('delivers after a start what it had put aside when both were killed', async () => {
    const broker = await installed()
    await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    const before = await serving(broker)
    expect((await login(broker, 'alice'))?.code).toBe('Access-Accept')
    await server.kill()
    const session = unique('acct')
    expect(await account(broker, 'alice', session)).toBe(true)
    expect(await account(broker, 'alice', session, 2)).toBe(true)
    await before.kill()
    await server.restart()
    await serving(broker)
    await expect.poll(() => isSpoolEmpty(broker), { timeout: 5000 }).toBe(true)
    expect(
      await records(
        'select acct_session, seconds::int, granted_at is not null as granted, started_at is not null as started, stopped_at is not null as stopped from sessions',
      ),
    ).toEqual([{ acct_session: session, seconds: 1, granted: true, started: true, stopped: true }])
  })

  describeWith(['root', 'mount', 'umount'], 'on a small disk', () => {
    test('lets nobody in while the disk of PostgreSQL is full, keeps accounting, and goes on when there is room', async () => {
      const disk = temporaryFolder('disk')
      const unmount = guard('umount -l "$1"', disk.path)
      onTestFinished(async () => {
        await unmount()
        await disk.remove()
      })
      const options = 'size=40m,mode=700,uid=postgres,gid=postgres'
      await outputOf(thisMachine, 'mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk.path])
      await server.ask(`create tablespace small location '${disk.path}'`)
      await server.ask(`alter database ${new URL(url).pathname.slice(1)} set tablespace small`)
      const broker = await installed({ lockout: { after: 1 } })
      await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
      const running = await serving(broker)
      let accepted = 0
      fillDisk(disk.file('ballast'))
      // Pages that are there already have room for some.
      while ((await login(broker, 'alice'))?.code === 'Access-Accept' && accepted < 2000) accepted++
      expect((await login(broker, 'alice'))?.code).toBe('Access-Reject')
      const sessions = Array.from({ length: 30 }, () => unique('acct'))
      for (const session of sessions) expect(await account(broker, 'alice', session)).toBe(true)
      expect(isSpoolEmpty(broker)).toBe(false)

      rmSync(disk.file('ballast'))
      expect(await untilAccepted(broker, 'alice')).toBeLessThan(1000 + SLACK_MS)
      await expect.poll(() => isSpoolEmpty(broker), { timeout: 5000 }).toBe(true)
      const kept = await records('select acct_session from sessions where started_at is not null')
      expect(kept.map(({ acct_session }) => acct_session).sort()).toEqual(sessions.sort())
      const [counts] = await records(
        "select count(*)::int as events from audit_events where kind = 'login.accepted'",
      )
      expect(counts?.events).toBe(accepted + 1)
      expect(await records('select * from lockouts')).toEqual([])
      expect((await running.log()).filter(({ event }) => event === 'login.fault')).toEqual([])
    })
  })

  test('does not start while PostgreSQL is away, and says why', async () => {
    const broker = await installed()
    await server.kill()
    const { code, stderr } = await broker.run(['serve'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/\nthe database records1 on 127\.0\.0\.1:\d+ cannot be used .*ECONNREFUSED/)
    await server.restart()
  })

  test('shares locks, releases and codes with another broker', async () => {
    const sections = { lockout: { after: 3 }, second_factor: { mode: 'append' } }
    const here = await installed(sections)
    const [alice, bob] = await addPeople(here, [
      { name: 'alice', password: PASSWORD },
      { name: 'bob', password: PASSWORD },
    ])
    if (alice === undefined || bob === undefined) throw new Error('two were added')
    const there = await installed(sections)
    await Promise.all([serving(here), serving(there)])

    const password = PASSWORD + codeOf(alice)
    const uses = Array.from({ length: 100 }, (_, number) =>
      login(number % 2 === 0 ? here : there, 'alice', password),
    )
    // A code that was spent is a wrong code, and three of these lock.
    const replies = (await Promise.all(uses)).map((reply) => reply?.code)
    expect(replies.filter((code) => code === 'Access-Accept')).toHaveLength(1)

    for (let guess = 0; guess < 3; guess++) await login(here, 'bob', 'wrong')
    const right = () => PASSWORD + codeOf(bob)
    expect((await login(there, 'bob', right()))?.code).toBe('Access-Reject')
    await here.ocbroker(['lockout', 'release', 'bob', '--reason', 'called'])
    expect((await login(there, 'bob', right()))?.code).toBe('Access-Accept')
  })
})
