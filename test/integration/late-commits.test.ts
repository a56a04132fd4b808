import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import type { Session } from '../../src/domain/session.ts'
import type { Installation, RunningBroker, Sections } from '../real/broker.ts'
import { type HoldingProxy, startHoldingProxy } from '../real/holding-proxy.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
/** In the statement of an admission alone. */
const ADMISSION = 'insert into "sessions"'
const SETTLED = { timeout: 15_000 }

describeWith(POSTGRES_NEEDS, 'a login that PostgreSQL did not answer in time', () => {
  const resources = new AsyncDisposableStack()
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
    resources.defer(server.stop)
  })
  afterAll(() => resources.disposeAsync())

  interface Site {
    readonly broker: Installation
    readonly proxy: HoldingProxy
    readonly database: string
    readonly running: RunningBroker
    /** By the same code each time. */
    login(): Promise<string | undefined>
  }

  async function site(sections: Sections = {}, timeout = '2s'): Promise<Site> {
    const proxy = await startHoldingProxy(server.port)
    onTestFinished(() => proxy.stop())
    const url = new URL(await server.newDatabase())
    url.port = String(proxy.port)
    const broker = await installOnPostgres({
      url: url.href,
      postgres: { statement_timeout: timeout },
      sections: {
        pools: { staff: { ipv4: '10.8.4.0/28' } },
        policies: [{ name: 'staff', reply: { pool: 'staff', interim: '5m' } }],
        second_factor: { mode: 'append', answer_within: '30s' },
        ...sections,
      },
    })
    onTestFinished(broker.remove)
    const [alice] = await addPeople(broker, [{ name: 'alice', password: PASSWORD }])
    const running = await broker.serve()
    onTestFinished(running.stop)
    const code = generateSync({ secret: alice?.key ?? '' })
    const login = async () => {
      const request = loginRequest({ secret: broker.secret, user: 'alice', password: PASSWORD + code })
      return (await ask(broker.authPort, request, { tries: 1 }))?.code
    }
    return {
      broker,
      proxy,
      database: url.pathname.slice(1),
      running,
      login,
    }
  }

  const eventsOf = ({ broker }: Site) =>
    broker.ocbroker(['audit', '--user', 'alice']) as Promise<readonly AuditEvent[]>
  const kindsOf = async (here: Site) =>
    (await eventsOf(here)).map(({ kind }) => kind).filter((kind) => kind.startsWith('login.'))
  const openSessions = ({ broker }: Site) =>
    broker.ocbroker(['session', 'list']) as Promise<readonly Session[]>
  const leasesHeld = async ({ database }: Site) =>
    (await server.ask('select address from leases where session is not null', database)).length

  /** The process of the server that has the statement which is held. */
  async function backendOf({ proxy }: Site): Promise<number> {
    const [row] = await server.ask(
      `select pid from pg_stat_activity where client_port = ${await proxy.held()}`,
    )
    return Number(row?.pid)
  }
  const hasEnded = (pid: number) =>
    expect.poll(() => server.ask(`select from pg_stat_activity where pid = ${pid}`), SETTLED).toEqual([])

  const NOTHING = { sessions: [], leases: 0 }
  const left = async (here: Site) => ({ sessions: await openSessions(here), leases: await leasesHeld(here) })

  test('is never stored where the broker comes first, and its code is not spent', async () => {
    const here = await site()
    here.proxy.holdAt(ADMISSION)
    expect(await here.login()).toBe('Access-Reject')
    const pid = await backendOf(here)
    await expect.poll(() => kindsOf(here), SETTLED).toEqual(['login.unavailable'])
    here.proxy.release()
    await hasEnded(pid)
    expect(await kindsOf(here)).toEqual(['login.unavailable'])
    expect(await left(here)).toEqual(NOTHING)
    expect(await here.login()).toBe('Access-Accept')
  })

  test('is taken back where it is stored: its session ends, its address is free, and the trail says so', async () => {
    const here = await site()
    here.proxy.holdAt(ADMISSION, 'answer')
    expect(await here.login()).toBe('Access-Reject')
    await expect.poll(() => kindsOf(here), SETTLED).toEqual(['login.withdrawn', 'login.accepted'])
    expect(await left(here)).toEqual(NOTHING)
    const [session] = (await here.broker.ocbroker(['session', 'list', '--all'])) as readonly Session[]
    expect(session?.stoppedAt).toBeDefined()
    expect(await eventsOf(here)).toMatchObject([
      { kind: 'login.withdrawn', detail: `stored after it was refused: session ${session?.id} has ended` },
      { kind: 'login.accepted' },
    ])
    await here.running.logUntil('login.withdrawn', { user: 'alice' })
  })

  test('is not stored afterwards where the backend stood still that had the statement', async () => {
    const here = await site()
    here.proxy.holdAt(ADMISSION)
    const refused = here.login()
    const pid = await backendOf(here)
    process.kill(pid, 'SIGSTOP')
    here.proxy.release()
    expect(await refused).toBe('Access-Reject')
    await expect.poll(() => kindsOf(here), SETTLED).toEqual(['login.unavailable'])
    process.kill(pid, 'SIGCONT')
    await hasEnded(pid)
    expect(await left(here)).toEqual(NOTHING)
    expect(await here.login()).toBe('Access-Accept')
  })

  test('leaves nothing where all of PostgreSQL stood still, whichever of the two comes first', async () => {
    const here = await site()
    here.proxy.holdAt(ADMISSION)
    const refused = here.login()
    const pid = await backendOf(here)
    server.hang()
    onTestFinished(() => server.resume())
    here.proxy.release()
    expect(await refused).toBe('Access-Reject')
    server.resume()
    await hasEnded(pid)
    await expect
      .poll(async () => (await kindsOf(here)).join(), SETTLED)
      .toMatch(/^(login\.unavailable|login\.withdrawn,login\.accepted)$/)
    expect(await left(here)).toEqual(NOTHING)
  })

  test('is taken back where the answer came after the deadline only', async () => {
    const here = await site({ radius: { deadline: '1s' } }, '5s')
    here.proxy.holdAt(ADMISSION)
    expect(await here.login()).toBe('Access-Reject')
    here.proxy.release()
    await expect.poll(() => kindsOf(here), SETTLED).toEqual(['login.withdrawn', 'login.accepted'])
    expect(await left(here)).toEqual(NOTHING)
  })

  test('stays where the broker was killed before it could take it back, until its lease is stale', async () => {
    const here = await site()
    here.proxy.holdAt(ADMISSION)
    void here.login()
    const pid = await backendOf(here)
    await here.running.kill()
    here.proxy.release()
    await hasEnded(pid)
    const running = await here.broker.serve()
    onTestFinished(running.stop)
    expect(await kindsOf(here)).toEqual(['login.accepted'])
    expect(await left(here)).toMatchObject({ sessions: [{ user: 'alice' }], leases: 1 })
    const [lease] = await server.ask('select heard_at from leases where session is not null', here.database)
    expect(lease, 'no report has prolonged it').toEqual({ heard_at: null })
  })
})
