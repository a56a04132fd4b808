import { appendFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Occtl } from '../../src/agent/occtl.ts'
import { runOcctl } from '../../src/agent/run-occtl.ts'
import { AGENT_NEEDS, type RunningAgent, startAgent } from '../real/agent.ts'
import { type Installation, install, type RunningBroker } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect, OpenconnectOptions } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import { FAKETIME, type SteppedClock, steppedClock } from '../real/stepped-clock.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', '张伟', '--help'] as const
/** Until then no session is believed to be gone. */
const YOUNG_MS = 60_000

interface Ended {
  readonly orders: readonly { readonly id: string; readonly outcome?: string }[]
}

/** openconnect → ocserv → ocbroker, and the agent beside ocserv: nothing here is a stand-in. */
describeWith([...TUNNEL_NEEDS, ...AGENT_NEEDS, FAKETIME], 'the agent of a gateway', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let installation: Installation
  let broker: RunningBroker
  let gateway: Ocserv
  let agent: RunningAgent
  let clock: SteppedClock

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const folder = temporaryFolder('clock')
    resources.defer(folder.remove)
    clock = steppedClock(folder, lab.server)
    const port = await freePort()
    installation = await install({
      place: clock.place,
      sections: {
        http: { port },
        limits: { user: '1000/1m', address: '1000/1m' },
        second_factor: { mode: 'append', required: false },
        pools: { staff: { ipv4: '10.8.4.0/24' } },
        policies: [{ name: 'staff', reply: { pool: 'staff', routes: ['10.0.0.0/8'] } }],
      },
    })
    resources.defer(installation.remove)
    broker = await installation.serve()
    resources.defer(() => broker.stop())
    await addPeople(
      installation,
      PEOPLE.map((name) => ({ name, password: PASSWORD, enrolled: false })),
    )
    const { authPort, acctPort, secret } = installation
    gateway = await startOcserv({
      place: lab.server,
      secret,
      authPort,
      acctPort,
      extra: ['max-ban-score = 40', 'ban-points-wrong-password = 10'],
    })
    resources.defer(gateway.stop)
    agent = await startAgent({
      place: lab.server,
      broker: installation,
      url: `http://127.0.0.1:${port}`,
      ocserv: gateway,
    })
    resources.defer(agent.stop)
  })

  afterAll(() => resources.disposeAsync())

  async function login(user: string, more: Partial<OpenconnectOptions> = {}): Promise<Openconnect> {
    const client = await connect(lab, gateway, { user, answers: [PASSWORD], ...more })
    expect(client.connected, client.seen()).toBe(true)
    return client
  }

  /** What the records hold; quicker than a command, which a busy machine takes seconds for. */
  function read<Row>(words: string, ...values: readonly string[]): Row[] {
    const records = new DatabaseSync(installation.database, { readOnly: true })
    try {
      return records.prepare(words).all(...values) as Row[]
    } finally {
      records.close()
    }
  }
  const namedSession = (user: string) =>
    read<{ name: string | null }>(
      'select acct_session as name from sessions where user_name = ? and stopped_at is null',
      user,
    )[0]?.name ?? undefined
  const untilNamed = async (user: string) => {
    await expect.poll(() => namedSession(user)).toBeDefined()
    return namedSession(user) ?? ''
  }
  const held = () => read('select address from leases where session is not null').length
  const orderOf = ({ orders: [order] }: Ended) =>
    read<{ outcome: string | null; tries: number }>(
      'select outcome, tries from session_orders where id = ?',
      order?.id ?? '',
    )[0]
  const untilGone = (client: Openconnect) =>
    expect.poll(() => client.process.isRunning(), { interval: 50 }).toBe(false)
  const ended = (...words: string[]) =>
    installation.ocbroker(['session', 'end', ...words, '--reason', 'a test']) as Promise<Ended>
  /** A cookie with which a client may connect without a login. */
  async function cookieOf(user: string): Promise<string> {
    const login = { user, answers: [PASSWORD], extra: ['--authenticate'] }
    const seen = (await connect(lab, gateway, login)).seen()
    const [, cookie] = /COOKIE='([^']+)'/.exec(seen) ?? []
    if (cookie === undefined) throw new Error(seen)
    return `--cookie=${cookie}`
  }

  test('ends the tunnels of a user who is disabled, at once', async () => {
    const times: number[] = []
    for (const user of ['alice', 'erin']) {
      const client = await login(user)
      await untilNamed(user)
      await installation.ocbroker(['user', 'disable', user])
      const since = performance.now()
      await untilGone(client)
      times.push(performance.now() - since)
      expect(client.seen()).toContain('terminated by server')
    }
    // The least of several, as a busy machine is slow at times.
    expect(Math.min(...times)).toBeLessThan(3000)
  })

  test('ends one session of a user and no other, whatever the user is called', async () => {
    const first = await login('张伟')
    const acctSession = await untilNamed('张伟')
    const second = await connect({ ...lab, client: lab.desktop }, gateway, {
      user: '张伟',
      answers: [PASSWORD],
    })
    expect(await ended(acctSession, '--wait')).toMatchObject({ orders: [{ outcome: 'done' }] })
    await untilGone(first)
    expect(second.process.isRunning()).toBe(true)
    const evil = await login('--help')
    await ended('--address', (await evil.tunAddress()) ?? '')
    await untilGone(evil)
    expect(second.process.isRunning()).toBe(true)
    await second.disconnect()
  })

  test('does what was ordered while it was dead, and while the broker was', async () => {
    const [bob, carol] = [await login('bob'), await login('carol')]
    await untilNamed('bob')
    await untilNamed('carol')
    const start = await agent.kill()
    await ended('--user', 'bob')
    await start()
    await untilGone(bob)

    await broker.kill()
    const answer = await ended('--user', 'carol')
    broker = await installation.serve()
    await untilGone(carol)
    await expect.poll(() => orderOf(answer)).toMatchObject({ outcome: 'done' })
  })

  test('leaves its address to a client that was killed, as the cookie may bring it back', async () => {
    const bob = await login('bob')
    const acctSession = await untilNamed('bob')
    const before = held()
    await bob.process.stop({ signal: 'SIGKILL' })
    await expect.poll(() => gateway.users()).toEqual([])
    expect(await gateway.occtl('show', 'sessions', 'valid')).toMatchObject([{ 'Full session': acctSession }])
    const answer = await ended(acctSession)
    await expect.poll(() => orderOf(answer)?.tries).toBeGreaterThan(0)
    expect(held()).toBe(before)
    expect(orderOf(answer), 'it stands').toMatchObject({ outcome: null })
  })

  test('frees the addresses of an ocserv that was killed, within two reports', async () => {
    await login('dave')
    await untilNamed('dave')
    clock.step(YOUNG_MS + 10_000)
    await gateway.killAndStart()
    await expect.poll(held, { timeout: 30_000, interval: 500 }).toBe(0)
    expect(namedSession('dave')).toBeUndefined()
  })

  test('ends a session whose cookie ocserv forgets once, and it cannot come back', async () => {
    const cookie = await cookieOf('bob')
    const bob = await login('bob', { extra: [cookie] })
    await untilNamed('bob')
    await ended('--user', 'bob', '--wait')
    await untilGone(bob)
    const again = await connect(lab, gateway, { user: 'bob', answers: [], extra: [cookie] })
    expect(again.seen()).toContain('Cookie was rejected by server')
  })

  test('removes a ban of ocserv', async () => {
    const occtl = new Occtl(runOcctl(gateway.file('occtl.socket')))
    const guess = { user: 'mallory', answers: ['one', 'two', 'three'] }
    for (let tries = 0; tries < 2; tries++)
      await connect({ ...lab, client: lab.desktop }, gateway, guess).catch(() => undefined)
    const { address } = lab.desktop
    await expect.poll(() => occtl.bans()).toMatchObject([{ address }])
    expect(await occtl.unban('192.0.2.77'), 'it is not banned').toBe(false)
    expect(await occtl.unban(address)).toBe(true)
    expect(await occtl.bans()).toEqual([])
  })

  test('ends a session again that comes back with a cookie, until ocserv has forgotten that', async () => {
    appendFileSync(gateway.file('ocserv.conf'), 'persistent-cookies = true\n')
    await gateway.killAndStart()
    const cookie = await cookieOf('carol')
    const carol = await login('carol', { extra: [cookie] })
    const acctSession = await untilNamed('carol')
    const answer = await ended(acctSession)
    await untilGone(carol)
    const again = await login('carol', { extra: [cookie] })
    await untilGone(again)
    expect(again.seen()).toContain('terminated by server')
    expect(orderOf(answer), 'it stands').toMatchObject({ outcome: null })
  })

  test('shows a session that the broker does not know', async () => {
    const dave = await login('dave')
    const acctSession = await untilNamed('dave')
    const records = new DatabaseSync(installation.database)
    records.exec("pragma busy_timeout = 10000; delete from sessions where user_name = 'dave'")
    records.close()
    expect(namedSession('dave')).toBeUndefined()
    await agent.killAndStart()
    await expect.poll(() => namedSession('dave')).toBe(acctSession)
    const listed = await installation.ocbroker(['session', 'list', '--user', 'dave'])
    expect(listed).toMatchObject([{ acctSession, user: 'dave' }])
    await dave.disconnect()
  })
})
