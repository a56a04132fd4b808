import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask as askHttp } from '../http/ask.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const PASSWORD = 'right password'
const START = 120_000

interface Event {
  readonly id: string
  readonly kind: string
  readonly user: string
  readonly name?: string
  readonly reason?: string
  readonly attempt: string
}

describeWith(SLAPD_NEEDS, 'a login on real records and a real directory', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let broker: Broker
  let url: string
  let token: string

  beforeAll(async () => {
    const routes = Array.from({ length: 300 }, (_, index) => `10.${index % 200}.${index >> 1}.0/24`)
    slapd = await startSlapd({
      entries: [
        person('dora', PASSWORD, { mail: 'Dora.Doe@corp.example' }),
        person('denied', PASSWORD, { ou: 'denied' }),
        person('routed', PASSWORD, { objectClass: 'vpnUser', vpnRoute: routes }),
        person('twin1', PASSWORD, { mail: 'twin@corp.example' }),
        person('twin2', PASSWORD, { mail: 'twin@corp.example' }),
        person('reset', PASSWORD, { pwdReset: 'TRUE' }),
      ],
      locksAt: 5,
    })
    resources.defer(slapd.stop)
    const port = await freePort()
    url = `http://127.0.0.1:${port}/api/v1`
    const corp = {
      type: 'ldap',
      urls: [slapd.url],
      user_base: PEOPLE,
      user_attributes: ['uid', 'mail'],
      attributes: { routes: 'vpnRoute' },
    }
    broker = await startBroker({
      sections: {
        http: { port },
        identity: { order: ['local', 'corp'], corp },
        second_factor: { required: false },
        limits: { user: '1000/1m', address: '1000/1m' },
        lockout: { after: 5, exempt: ['192.0.2.0/24'] },
        policies: [
          { name: 'nobody', when: { users: ['denied'] }, deny: true },
          { name: 'everyone', reply: { routes: ['10.0.0.0/8'] } },
        ],
      },
    })
    resources.defer(broker.stop)
    await addPeople(broker, [
      { name: 'bob@a.example', password: 'of a', enrolled: false },
      { name: 'bob@b.example', password: 'of b', enrolled: false },
      { name: 'gone', password: PASSWORD, enrolled: false },
    ])
    await broker.ocbroker(['user', 'disable', 'gone'])
    const scopes = ['explain', 'audit:read', 'lockouts:read']
    const made = await broker.ocbroker(['token', 'create', '--name', 'reader', '--scope', ...scopes])
    ;({ token } = made as { token: string })
  }, START)

  afterAll(() => resources.disposeAsync())

  const login = (user: string, password: string, from = '198.51.100.1') =>
    ask(broker.authPort, loginRequest({ secret: broker.secret, user, password, from }))
  const eventsOf = async (user: string): Promise<readonly Event[]> => {
    const { json } = await askHttp(`${url}/audit-events?user=${encodeURIComponent(user)}`, { token })
    return json.items as unknown as Event[]
  }
  const explained = async (user: string, from = '198.51.100.1') => {
    const query = `user=${encodeURIComponent(user)}&address=${from}`
    const { json } = await askHttp(`${url}/explain?${query}`, { token })
    const { kind, reason } = json.outcome as unknown as { kind: string; reason?: string }
    return kind === 'would_pass' ? 'login.accepted' : reason
  }
  /** How a login ends, as the audit trail has it. */
  const decided = async (user: string, password: string, from?: string) => {
    await login(user, password, from)
    const [latest] = await eventsOf(user)
    return latest?.reason ?? latest?.kind
  }

  test.each([
    ['dora', PASSWORD, 'login.accepted'],
    ['Dora.Doe@corp.example', PASSWORD, 'login.accepted'],
    ['bob@a.example', 'of a', 'login.accepted'],
    ['denied', PASSWORD, 'no_policy'],
    ['routed', PASSWORD, 'no_policy'],
    ['twin@corp.example', PASSWORD, 'bad_credentials'],
    ['reset', PASSWORD, 'barred'],
    ['gone', PASSWORD, 'barred'],
    ['whoever', PASSWORD, 'bad_credentials'],
  ])('of %s ends as it was explained', async (user, password, verdict) => {
    expect(await explained(user)).toBe(verdict)
    const known = { 'Dora.Doe@corp.example': 'dora' }[user] ?? user
    await login(user, password)
    const [latest] = await eventsOf(known)
    expect(latest?.reason ?? latest?.kind).toBe(verdict)
  })

  test('of namesakes at two domains is listed by whole names, and found by any spelling', async () => {
    for (let guess = 0; guess < 5; guess += 1) await login('bob@b.example', `guess ${guess}`, '198.51.100.9')
    expect(await explained('bob@b.example', '198.51.100.9')).toBe('locked')
    expect(await decided('bob@b.example', 'of b', '198.51.100.9')).toBe('locked')
    expect(await explained('bob@b.example', '192.0.2.9'), 'an exempt network').toBe('login.accepted')
    const names = new Set((await eventsOf('bob')).map(({ name }) => name))
    expect([...names].sort()).toEqual(['bob@a.example', 'bob@b.example'])
    const list = async (...args: string[]) => (await broker.run(['lockout', 'list', ...args])).stdout
    expect(await list()).toMatch(/^bob@b\.example +198\.51\.100\.9/m)
    expect(await list('--user', 'BOB@b.example')).toMatch(/^bob@b\.example/m)
    const { json } = await askHttp(`${url}/lockouts?state=in_force`, { token })
    expect(json.items).toMatchObject([{ user: 'bob', name: 'bob@b.example' }])
    const trail = (await broker.run(['audit', '--user', 'bob@a.example'])).stdout
    expect(trail).toMatch(/login\.accepted +bob@a\.example/)
    expect(trail).not.toContain('bob@b.example')

    for (let guess = 0; guess < 5; guess += 1) await login('dora', `guess ${guess}`, '198.51.100.8')
    expect(await list('--user', 'Dora.Doe@corp.example')).toMatch(/^dora +198\.51\.100\.8/m)
    expect((await broker.run(['audit', '--user', 'dora.doe@corp.example'])).stdout).toMatch(/refused +dora/)
    const release = ['lockout', 'release', 'DORA.DOE@corp.example', '--reason', 'test']
    expect(await broker.ocbroker(release)).toMatchObject([{ user: 'dora' }])
    expect(await list('--user', 'dora')).toContain('Nobody is locked out.')
  })

  test('is explained afterwards, step by step, by its attempt', async () => {
    await login('reset', PASSWORD)
    const [event] = await eventsOf('reset')
    const { attempt = '', id = '' } = event ?? {}
    const found = await broker.ocbroker(['explain', '--attempt', attempt])
    expect(found).toMatchObject({ events: [{ id, reason: 'barred', attempt }] })
    const { stdout } = await broker.run(['explain', '--attempt', id])
    expect(stdout).toMatch(/login\.refused, barred: corp: the password must be changed first/)
    expect(stdout).toMatch(/^loadContext +lockouts, authenticators; stores: local corp +passed +[\d.]+$/m)
    expect(stdout).toMatch(/^firstFactor +password corp +barred +[\d.]+$/m)
    expect(stdout).toMatch(/^recordOutcome +- +done +[\d.]+ so far$/m)
    const unknown = await broker.run(['explain', '--attempt', '01900000-0000-7000-8000-000000000000'])
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringContaining('the audit trail has nothing'),
    ])
  })

  test('is not told while the directory is gone', async () => {
    await slapd.kill()
    expect(await explained('dora')).toBe('unavailable')
    await login('dora', PASSWORD)
    await expect.poll(async () => (await eventsOf('dora'))[0]?.kind).toBe('login.unavailable')
  })
})
