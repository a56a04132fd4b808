import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import type { SessionOrder } from '../../src/domain/session-order.ts'
import { ask } from '../http/ask.ts'
import { startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { thisMachine } from '../real/process.ts'
import { accounting, unique } from '../store/samples.ts'

const resources = new AsyncDisposableStack()
let broker: TestBroker

beforeAll(async () => {
  const gateways = ['gw1', 'gw2'].map((name, index) => ({
    name,
    address: `127.0.0.${index + 1}`,
    secret: 'between-gateway-and-broker',
  }))
  broker = await startTestBroker({ gateways }, (end) => void resources.defer(end))
})
afterAll(() => resources.disposeAsync())

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname

async function command(...args: readonly string[]) {
  const run = await thisMachine.run(process.execPath, [
    MAIN,
    ...args,
    '--config',
    broker.folder.file('broker.yaml'),
  ])
  return { ...run, json: () => JSON.parse(run.stdout) }
}

/** An open session; its identifier in the records and its Acct-Session-Id. */
async function session(user: string, gateway = 'gw1', address = '192.0.2.7') {
  const acct = unique('acct')
  await broker.records.sessions.record(accounting('start', user, acct, { gateway, address, at: Date.now() }))
  const [found] = await broker.records.sessions.list({ acctSession: acct, limit: 1 })
  return { acct, id: found?.id ?? '' }
}

const open = async (gateway = 'gw1') => await broker.records.orders.open(gateway, 200)
const orderOf = async ({ acct }: { acct: string }, gateway = 'gw1'): Promise<SessionOrder | undefined> =>
  (await open(gateway)).find(({ target }) => 'session' in target && target.session === acct)

/** Lets the gateway's agent have reported now. */
async function reporting(gateway: string) {
  const agent = { gateway, host: 'vpn1', protocol: 1, version: '1', token: 't', sessions: 0, bans: [] }
  await broker.records.agents.note({ ...agent, heardAt: Date.now() })
}

describe('session end', () => {
  test('orders the end, and says what to run where nobody carries it out', async () => {
    const user = unique("o'brien")
    const { id } = await session(user, 'gw2')
    const { code, stdout } = await command('session', 'end', id, '--reason', 'laptop stolen')
    expect(code).toBe(0)
    expect(stdout).toContain('Ordered gw2 to end session')
    expect(stdout).toContain('No agent of gw2 has reported in the last 3 minutes')
    expect(stdout).toContain(`occtl disconnect user '${user.replace("'", "'\\''")}'`)
  })

  test('waits for the outcome, by user, address or Acct-Session-Id', async () => {
    await reporting('gw1')
    const user = unique('user')
    const [one, two] = [await session(user), await session(user)]
    const run = command('session', 'end', '--user', user, '--reason', 'left', '--wait', '--json')
    await expect.poll(() => orderOf(two)).toBeDefined()
    const orders = (await open()).filter((order) => order.user === user)
    await broker.records.orders.close(
      'gw1',
      orders.map(({ id }) => ({ id, outcome: 'done' }) as const),
      'agent',
      1,
    )
    const { code, json } = await run
    expect(code).toBe(0)
    const answer = json()
    expect(answer.unreached).toEqual([])
    expect(answer.orders.map((order: SessionOrder) => [order.outcome, order.detail, order.reason])).toEqual([
      ['done', 'left', 'operator'],
      ['done', 'left', 'operator'],
    ])
    await command('session', 'end', one.acct, '--reason', 'by name')
    expect(await orderOf(one)).toMatchObject({ detail: 'by name' })
    const far = await session(unique('far'), 'gw1', '198.51.100.77')
    await command('session', 'end', '--address', '198.51.100.77', '--reason', 'stolen')
    expect(await orderOf(far)).toMatchObject({
      detail: 'stolen',
      by: expect.stringContaining('command line'),
    })
  })

  test('refuses what names no session, or two things', async () => {
    for (const args of [
      ['nothing-of-this-name'],
      ['--user', unique('nobody')],
      ['a', '--user', 'b'],
      [],
      ['--address', 'x'],
    ]) {
      const { code, stderr } = await command('session', 'end', ...args, '--reason', 'why')
      expect([args, code]).toEqual([args, 1])
      expect(stderr).not.toMatch(/\n\s+at /)
    }
  })
})

describe('who may not log in any more keeps no session', () => {
  test('by the command: disable', async () => {
    const name = unique('user')
    await broker.addUser(name)
    const its = await session(name)
    expect((await command('user', 'disable', name)).code).toBe(0)
    expect(await orderOf(its)).toMatchObject({
      reason: 'disabled',
      by: expect.stringContaining('command line'),
    })
  })

  test('by the API: disabled, expired, removed, locked by hand', async () => {
    const token = await broker.token()
    const changes = [
      ['disabled', 'PATCH', '', { enabled: false, reason: 'left' }],
      ['expired', 'PATCH', '', { expiresAt: '2026-01-01T00:00:00Z', reason: 'left' }],
      ['removed', 'DELETE', '?reason=left', undefined],
    ] as const
    for (const [why, method, query, json] of changes) {
      const name = unique('user')
      await broker.addUser(name)
      const its = await session(name)
      const url = `${broker.url}/api/v1/users/${name}${query}`
      expect((await ask(url, { token, method, json })).status).toBeLessThan(300)
      expect(await orderOf(its)).toMatchObject({ reason: why, detail: 'left' })
    }
    const name = unique('user')
    const its = await session(name)
    const json = { scope: 'user', user: name, reason: 'stolen' }
    expect((await ask(`${broker.url}/api/v1/lockouts`, { token, json })).status).toBe(201)
    expect(await orderOf(its)).toMatchObject({ reason: 'locked', detail: 'stolen' })
    // What lets users stay ends nothing.
    const stays = unique('user')
    await broker.addUser(stays)
    const kept = await session(stays)
    const harmless = { expiresAt: '2099-01-01T00:00:00Z', groups: ['staff'], reason: 'promoted' }
    await ask(`${broker.url}/api/v1/users/${stays}`, { token, method: 'PATCH', json: harmless })
    expect(await orderOf(kept)).toBeUndefined()
  })
})

describe('the API', () => {
  test('ends by user, address and Acct-Session-Id, and shows at the session what came of it', async () => {
    await reporting('gw1')
    const token = await broker.token()
    const its = await session(unique('user'), 'gw1', '198.51.100.9')
    const end = (json: object) =>
      ask(`${broker.url}/api/v1/sessions/end`, { token, json: { ...json, reason: 'r' } })
    for (const json of [{}, { user: 'a', address: '192.0.2.1' }, { address: 'nowhere' }, { user: '' }])
      expect((await end(json)).status).toBe(400)
    expect((await end({ user: unique('nobody') })).json).toMatchObject({ orders: [], sessions: 0 })
    const { status, json } = await end({ address: '198.51.100.9' })
    expect([status, json.sessions, json.unreached]).toEqual([202, 1, []])
    const again = await end({ session: its.acct })
    expect(again.json.orders).toEqual(json.orders)
    const shown = async () => (await ask(`${broker.url}/api/v1/sessions/${its.id}`, { token })).json.end
    expect(await shown()).toMatchObject({ reason: 'operator', by: expect.stringContaining('(token)') })
    const [id = ''] = json.orders as unknown as string[]
    const failed = { id, outcome: 'failed', detail: 'occtl did not answer' } as const
    await broker.records.orders.close('gw1', [failed], 'agent', Date.now())
    expect(await shown()).toMatchObject({ outcome: 'failed', detail: 'occtl did not answer' })
    const listed = await ask(`${broker.url}/api/v1/session-orders?gateway=gw1&limit=100`, { token })
    expect(listed.json.items).toContainEqual(expect.objectContaining({ id, outcome: 'failed' }))
  })

  test('lets nobody end the session of a person with more rights, not even among others', async () => {
    const token = await broker.token(['sessions:write'])
    const [boss, plain] = [unique('boss'), unique('plain')]
    await broker.addUser(boss, ['admins'])
    await broker.addUser(plain)
    const address = '198.51.100.44'
    const [its, other] = [await session(boss, 'gw1', address), await session(plain, 'gw1', address)]
    const refused = [
      ask(`${broker.url}/api/v1/sessions/${its.id}/end`, { token, json: { reason: 'r' } }),
      ask(`${broker.url}/api/v1/sessions/end`, { token, json: { user: boss, reason: 'r' } }),
      ask(`${broker.url}/api/v1/sessions/end`, { token, json: { address, reason: 'r' } }),
    ]
    for (const { status } of await Promise.all(refused)) expect(status).toBe(403)
    expect([await orderOf(its), await orderOf(other)]).toEqual([undefined, undefined])
    expect(
      (await ask(`${broker.url}/api/v1/sessions/${other.id}/end`, { token, json: { reason: 'r' } })).status,
    ).toBe(202)
    expect(await orderOf(other)).toBeDefined()
    const gone = `${broker.url}/api/v1/sessions/${systemRandom.id()}/end`
    expect((await ask(gone, { token, json: { reason: 'r' } })).status).toBe(404)
  })

  test('shows agents, their bans, and sessions without a known login', async () => {
    const token = await broker.token(['sessions:read'])
    const bans = [{ address: '203.0.113.5', score: 80 }]
    const agent = { gateway: 'gw2', host: 'vpn2', protocol: 1, version: '1', token: 'a2', sessions: 3, bans }
    await broker.records.agents.note({ ...agent, heardAt: Date.now() })
    const { json } = await ask(`${broker.url}/api/v1/agents`, { token })
    expect(json.items).toContainEqual(expect.objectContaining({ host: 'vpn2', sessions: 3, bans }))
    const ghost = await session(unique('ghost'))
    const { json: page } = await ask(`${broker.url}/api/v1/sessions?unknown=true&limit=100`, { token })
    expect(page.items).toContainEqual(expect.objectContaining({ id: ghost.id }))
  })
})

test('a token of an agent is made for a gateway of the configuration, and has no other scope', async () => {
  const made = await command('token', 'create', '--name', unique('agent'), '--scope', 'gateway:gw1', '--json')
  expect(made.json()).toMatchObject({ scopes: ['gateway:gw1'] })
  const url = `${broker.url}/api/v1/gateways/gw1/agent/results`
  expect((await ask(url, { token: made.json().token, json: { results: [] } })).status).toBe(204)
  for (const [scopes, words] of [
    [['gateway:gw11'], 'did you mean gw1?'],
    [['gateway:'], 'names no gateway'],
    [['gateway:gw1', 'users:read'], 'stands alone'],
    [['gateway:gw1,gateway:gw2'], 'stands alone'],
  ] as const) {
    const { code, stderr } = await command('token', 'create', '--name', unique('no'), '--scope', ...scopes)
    expect([code, stderr]).toEqual([1, expect.stringContaining(words)])
  }
})
