import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { ask } from '../http/ask.ts'
import { startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { accounting, admission, unique, uniqueAddress } from '../store/samples.ts'

const resources = new AsyncDisposableStack()
let broker: TestBroker

beforeAll(async () => {
  const gateway = (name: string, address: string | readonly string[]) => ({
    ...{ name, address },
    secret: 'between-gateway-and-broker',
  })
  const gateways = [
    gateway('gw1', '127.0.0.1'),
    gateway('gw2', '127.0.0.2'),
    gateway('several', ['127.0.0.3', '127.0.0.4']),
    gateway('away', '127.0.0.9'),
  ]
  broker = await startTestBroker(
    {
      gateways,
      http: { allow: '127.0.0.1', limits: { address: '100000/1m', token: '100000/1m' } },
    },
    (end) => void resources.defer(end),
  )
})
afterAll(() => resources.disposeAsync())

interface Order {
  readonly id: string
  readonly kind: string
  readonly target: Readonly<Record<string, string>>
}

/** An agent of a gateway, as the protocol has it. */
async function agentOf(gateway: string, host = 'vpn1') {
  const name = unique('agent')
  const token = await broker.token([], { gateway, name })
  const url = `${broker.url}/api/v1/gateways/${gateway}/agent`
  return {
    name,
    token,
    report: (sessions: readonly object[], more: object = {}, from?: string) =>
      ask(`${url}/reports`, {
        token,
        from,
        json: { agent: { version: '0.1.0', protocol: 1, host }, sessions, ...more },
      }),
    answer: (results: readonly object[]) => ask(`${url}/results`, { token, json: { results } }),
    async stream(version = '1') {
      const stop = new AbortController()
      onTestFinished(() => stop.abort())
      const headers = { authorization: `Bearer ${token}`, 'ocbroker-agent': version }
      const { status, body } = await fetch(`${url}/orders`, { headers, signal: stop.signal })
      const events: { event: string; data: Order & { readonly detail?: string } }[] = []
      const read = async () => {
        let text = ''
        for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
          text += chunk
          const blocks = text.split('\n\n')
          text = blocks.pop() ?? ''
          for (const block of blocks) {
            const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
            if (event !== undefined && data !== undefined) events.push({ event, data: JSON.parse(data) })
          }
        }
      }
      return { status, events, ended: read().catch(() => {}), close: () => stop.abort() }
    },
  }
}

const order = <Target extends { session: string } | { user: string }>(gateway: string, target: Target) =>
  ({
    id: systemRandom.id(),
    gateway,
    kind: 'end',
    target,
    reason: 'operator',
    by: 'tests',
    at: Date.now(),
  }) as const

/** A session of a login some minutes ago. */
async function granted(gateway: string, user: string, ago: number, more: object = {}) {
  const at = Date.now() - ago
  const entry = admission(
    user,
    { kind: 'none' },
    { now: at, address: uniqueAddress(), session: { gateway, ...more } },
  )
  await broker.records.login.admit(entry)
  return entry.session
}

const MINUTES = 60_000
const sessionOf = (id: string) => broker.records.sessions.find(id)

describe('the stream of orders', () => {
  test('begins with hello, brings orders within a second, and again until they are acknowledged', async () => {
    const agent = await agentOf('gw1')
    const stream = await agent.stream()
    expect(stream.status).toBe(200)
    const version = expect.any(String)
    await expect
      .poll(() => stream.events[0])
      .toEqual({
        event: 'hello',
        data: { protocol: 1, version, report_every: 60 },
      })
    const written = order('gw1', { session: unique('acct') })
    await broker.records.orders.write([written, order('gw2', { user: 'else' })])
    const data = { id: written.id, kind: 'end', target: written.target }
    const orders = () => stream.events.filter(({ event }) => event === 'order')
    await expect.poll(orders).toEqual([{ event: 'order', data }])
    // A second stream, as of an agent that was started again, gets it at once.
    const second = await agent.stream()
    await expect.poll(() => second.events[1]).toEqual({ event: 'order', data })
    await expect.poll(() => orders().length, { timeout: 25_000 }).toBe(2)
    const result = { id: written.id, outcome: 'done', ended: [written.target.session] }
    expect((await agent.answer([result, { id: systemRandom.id(), outcome: 'absent' }])).status).toBe(204)
    expect(await broker.records.orders.open('gw1', 9)).toEqual([])
    const [kept] = await broker.records.orders.list({ ids: [written.id], limit: 1 })
    expect(kept).toMatchObject({ outcome: 'done', tries: expect.any(Number) })
    expect(kept?.tries).toBeGreaterThanOrEqual(2)
    second.close()
  })

  test('refuses an agent of another version with words, and keeps that it did', async () => {
    const agent = await agentOf('gw2')
    const url = `${broker.url}/api/v1/gateways/gw2/agent/orders`
    for (const headers of [undefined, { 'ocbroker-agent': '2' }, { 'ocbroker-agent': 'nonsense' }]) {
      const { status, json } = await ask(url, { token: agent.token, headers, from: '127.0.0.2' })
      expect([status, json.detail]).toEqual([409, expect.stringContaining('version 1')])
    }
    const other = { agent: { version: '9.9', protocol: 2, host: 'vpn9' } }
    expect((await agent.report([], other)).status).toBe(409)
    const refused = (await broker.records.agents.list()).find(({ host }) => host === 'vpn9')
    expect(refused).toMatchObject({ gateway: 'gw2', protocol: 2, version: '9.9', token: agent.name })
  })

  test('ends with words within seconds of the revocation, and the token opens no other', async () => {
    const agent = await agentOf('gw1')
    const stream = await agent.stream()
    await expect.poll(() => stream.events.length).toBe(1)
    await broker.records.tokens.revoke(agent.name, 'tests', Date.now())
    await stream.ended
    expect(stream.events.at(-1)).toEqual({ event: 'refused', data: { detail: 'The token was revoked.' } })
    const again = await agent.report([])
    expect([again.status, again.json.detail]).toEqual([401, expect.stringContaining('was revoked')])
  })

  test('answers an agent from its gateway’s own network, and nobody else from there', async () => {
    const [own, other] = [await agentOf('away'), await agentOf('gw1')]
    expect((await own.report([], {}, '127.0.0.9')).status).toBe(204)
    expect((await own.report([], {}, '127.0.0.8')).status).toBe(403)
    expect((await other.report([], {}, '127.0.0.9')).status).toBe(403)
    const token = await broker.token()
    expect((await ask(`${broker.url}/api/v1/sessions`, { token, from: '127.0.0.9' })).status).toBe(403)
  })
})

test('results of a stolen token close no order of another gateway', async () => {
  const thief = await agentOf('gw1')
  const written = order('gw2', { session: unique('acct') })
  await broker.records.orders.write([written])
  expect((await thief.answer([{ id: written.id, outcome: 'done' }])).status).toBe(204)
  const [kept] = await broker.records.orders.list({ ids: [written.id], limit: 1 })
  expect(kept).toEqual({ ...written, tries: 0 })
})

describe('a report', () => {
  test('keeps its sessions alive, names those of logins, and shows what no login explains', async () => {
    const agent = await agentOf('gw1')
    const login = await granted('gw1', unique('user'), 2 * MINUTES)
    const connected_at = new Date((login.grantedAt ?? 0) + 1000).toISOString()
    const named = {
      acct_session: unique('acct'),
      user: login.user,
      address: login.address,
      connected_at,
      octets_in: 7,
      octets_out: 9,
    }
    const unknown = { acct_session: unique('acct'), user: unique('ghost'), client: 'odd\u202Eclient' }
    expect((await agent.report([named, unknown])).status).toBe(204)
    const after = await sessionOf(login.id)
    expect(after).toMatchObject({ acctSession: named.acct_session, octetsIn: 7, octetsOut: 9 })
    expect(after?.startedAt).toBe((login.grantedAt ?? 0) + 1000)
    expect(after?.seconds).toBeGreaterThanOrEqual(119)
    const [shown] = await broker.records.sessions.list({ user: unknown.user, open: true, limit: 9 })
    expect(shown?.grantedAt).toBeUndefined()
    // By the minute of its start, as occtl tells it, the session would be older than by its start.
    const minute = new Date((login.grantedAt ?? 0) - 59_000).toISOString()
    await agent.report([{ ...named, connected_at: minute }, unknown])
    expect((await sessionOf(login.id))?.seconds).toBeLessThan(170)
    // What the gateway counts only grows.
    await agent.report([{ ...named, octets_in: 5, octets_out: 12 }, unknown])
    expect(await sessionOf(login.id)).toMatchObject({ octetsIn: 7, octetsOut: 12 })
    const [kept] = (await broker.records.agents.list()).filter(({ gateway }) => gateway === 'gw1')
    expect(kept).toMatchObject({ host: 'vpn1', protocol: 1, sessions: 2, token: agent.name })
  })

  test('without a session twice frees its address', async () => {
    const agent = await agentOf('gw2')
    const { leases } = broker.records
    const address = uniqueAddress()
    const pool = unique('pool')
    await leases.add(pool, [{ address, place: 1 }])
    const user = unique('user')
    const entry = admission(
      user,
      { kind: 'none' },
      { now: Date.now() - 3 * MINUTES, session: { gateway: 'gw2' } },
    )
    await broker.records.login.admit({ ...entry, lease: { pool, staleAfterMs: 60 * MINUTES } })
    expect(await leases.find(address)).toMatchObject({ session: entry.session.id })
    const young = await granted('gw2', unique('user'), 1000)
    const session = { acct_session: unique('acct'), user, ipv4: address }
    const cookies = [session.acct_session]
    await agent.report([{ ...session, connected_at: new Date(Date.now() - 2 * MINUTES).toISOString() }])
    expect(await sessionOf(entry.session.id)).toMatchObject({ acctSession: session.acct_session })
    // It has no tunnel, but may come back: it is not gone.
    await agent.report([], { cookies })
    await sleep(5_100)
    await agent.report([], { cookies })
    expect(await leases.find(address)).toMatchObject({ session: entry.session.id })
    await agent.report([])
    // Two reports at once are one.
    await agent.report([])
    expect(await leases.find(address)).toMatchObject({ session: entry.session.id })
    await sleep(5_100)
    await agent.report([])
    expect((await leases.find(address))?.session).toBeUndefined()
    expect(await sessionOf(entry.session.id)).toMatchObject({
      stoppedAt: expect.any(Number),
      terminateCause: 'Not-Reported',
    })
    expect((await sessionOf(young.id))?.stoppedAt).toBeUndefined()
  })

  test('ends nothing that another agent of the gateway reports, or of another gateway', async () => {
    const [one, two] = [await agentOf('several', 'vpn1'), await agentOf('several', 'vpn2')]
    const session = (user: string) => ({ acct_session: unique('acct'), user })
    const old = new Date(Date.now() - 5 * MINUTES).toISOString()
    const [here, there] = [session(unique('here')), session(unique('there'))]
    await one.report([{ ...here, connected_at: old }])
    await two.report([{ ...there, connected_at: old }])
    const never = await granted('several', unique('never'), 5 * MINUTES)
    const elsewhere = await granted('gw1', unique('else'), 5 * MINUTES)
    await two.report([])
    await sleep(5_100)
    await two.report([])
    const open = async (user: string) =>
      (await broker.records.sessions.list({ user, open: true, limit: 9 })).length
    expect(await open(here.user)).toBe(1)
    expect(await open(there.user)).toBe(0)
    expect(await open(never.user)).toBe(1)
    expect(await open(elsewhere.user)).toBe(1)
  })

  test('brings back a session that was taken for ended, and not one that has just ended', async () => {
    const agent = await agentOf('gw1')
    const [lost, ended] = [unique('lost'), unique('ended')]
    const session = (user: string) => ({ acct_session: `acct-${user}`, user })
    for (const [user, ago] of [
      [lost, 5 * MINUTES],
      [ended, 1000],
    ] as const)
      for (const kind of ['start', 'stop'] as const)
        await broker.records.sessions.record(
          accounting(kind, user, `acct-${user}`, { at: Date.now() - ago - (kind === 'start' ? MINUTES : 0) }),
        )
    const connected_at = new Date(Date.now() - 6 * MINUTES).toISOString()
    await agent.report([lost, ended].map((user) => ({ ...session(user), connected_at })))
    const open = (user: string) => broker.records.sessions.list({ user, open: true, limit: 9 })
    expect(await open(lost)).toHaveLength(1)
    expect(await open(ended)).toHaveLength(0)
  })

  test('is bounded, and may hold the worst that users call themselves', async () => {
    const agent = await agentOf('gw1')
    const many = Array.from({ length: 5_000 }, (_, number) => ({
      acct_session: `m${number}`,
      user: `user${number}`,
      client: 'x'.repeat(200),
    }))
    expect((await agent.report(many)).status).toBe(204)
    expect((await agent.report([{ acct_session: 'x', user: 'x'.repeat(254) }])).status).toBe(400)
    expect((await agent.report([], { cookies: ['x'.repeat(5_000_000)] })).status).toBe(413)
    const odd = ['--help', '-x; reboot', '$(id)', '\u202Eevil', 'nul\0', '\n', "a' or 1=1"]
    const sessions = odd.map((user, number) => ({ acct_session: `odd${number}`, user }))
    expect((await agent.report(sessions)).status).toBe(204)
    expect(await broker.records.sessions.list({ user: 'nul\0', limit: 1 }).catch(() => [])).toEqual([])
    expect(
      (await ask(`${broker.url}/api/v1/gateways/none/agent/reports`, { token: agent.token })).status,
    ).toBe(405)
  })
})
