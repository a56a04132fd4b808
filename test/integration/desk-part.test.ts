import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { readContract } from '../../src/http/contract.ts'
import { type Ask, ask } from '../http/ask.ts'
import { listenTo } from '../http/event-stream.ts'
import { FormClient } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { describeWith } from '../real/needs.ts'
import { ask as askGateway, loginRequest } from '../real/radius-socket.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  GROUPS,
  group,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  startSlapd,
} from '../real/slapd.ts'

const SECRET = 'between-gateway-and-broker'
const REASON = 'ticket 4711'
/** Where everything that is not theirs came from. */
const STRANGE = '203.0.113.77'
const ROLES = {
  admin: ['admins'],
  desk: [
    'helpdesk',
    { groups: ['helpdesk-fra'], over: ['staff-fra'] },
    { groups: ['helpdesk-ber'], over: ['staff-ber'] },
  ],
  auditor: [{ groups: ['auditors-fra'], over: ['staff-fra'] }, 'auditors'],
}

describeWith(SLAPD_NEEDS, 'somebody whose role is for a part of the users', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  /** Of each user: a lockout, a session, an event. */
  const lockouts: Record<string, string> = {}
  const sessions: Record<string, string> = {}
  let ofAddress: string

  beforeAll(async () => {
    const slapd = await startSlapd({
      entries: [
        ...['ldap-fra', 'ldap-ber', 'new-fra'].map((name) => person(name, PASSWORD)),
        group('staff-fra', [personDn('ldap-fra'), personDn('new-fra')]),
        group('staff-ber', [personDn('ldap-ber')]),
      ],
    })
    resources.defer(slapd.stop)
    const corp = {
      ...{ type: 'ldap', urls: [slapd.url], bind_dn: ADMIN, bind_password: ADMIN_PASSWORD },
      ...{ user_base: PEOPLE, groups: { sources: [{ kind: 'members', base: GROUPS }] } },
    }
    fixture = await startTestBroker(
      {
        http: { roles: ROLES },
        identity: { order: ['local', 'corp'], corp },
        second_factor: { required: false },
      },
      (end) => void resources.defer(end),
    )
    await fixture.addUser('anna-fra', ['staff-fra'])
    await fixture.addUser('zoe-ber', ['staff-ber'])
    await fixture.addUser('boss-fra', ['staff-fra', 'admins'])
    await fixture.addUser('none', [])
    for (const name of ['ldap-fra', 'ldap-ber']) {
      await vi.waitFor(async () => {
        await askGateway(fixture.authPort, loginRequest({ user: name, password: PASSWORD, secret: SECRET }))
        const groups = ['staff-fra', 'staff-ber']
        expect(await fixture.records.accountGroups.areAllIn(name, groups)).toBe(true)
      }, 40_000)
    }
    for (const user of [
      'anna-fra',
      'zoe-ber',
      'boss-fra',
      'none',
      'ldap-fra',
      'ldap-ber',
      'new-fra',
      'ghost',
    ])
      await fill(user)
    const { id } = await fixture.records.lockouts.lock({
      ...{ id: systemRandom.id(), scope: 'address', address: STRANGE, reason: 'by a test' },
      ...{ by: 'a test', since: Date.now() },
    })
    ofAddress = id
  })

  afterAll(() => resources.disposeAsync())

  async function fill(user: string): Promise<void> {
    const { records } = fixture
    const address = user.endsWith('fra') ? '192.0.2.5' : STRANGE
    const at = Date.now()
    const lockout = await records.lockouts.lock({
      ...{ id: systemRandom.id(), scope: 'user', user, reason: `held ${user}` },
      ...{ by: 'a test', since: at },
    })
    lockouts[user] = lockout.id
    const acctSession = `acct-${user}`
    const counters = { seconds: 0, octetsIn: 0, octetsOut: 0 }
    await records.sessions.record({
      kind: 'start',
      gateway: 'gw1',
      user,
      address,
      acctSession,
      at,
      ...counters,
    })
    sessions[user] = (await records.sessions.list({ acctSession, limit: 1 }))[0]?.id ?? ''
    await records.audit.append({
      ...{ id: systemRandom.id(), at, kind: 'login.refused', user, address },
      ...{ reason: 'bad_credentials', gateway: 'gw1', detail: `guess at ${user}` },
    })
  }

  let helpers = 0
  async function signedIn(groups: readonly string[]) {
    const name = `helper-${helpers++}`
    await fixture.addUser(name, groups)
    await fixture.enrol(name)
    const client = new FormClient(fixture.url)
    await client.get('/?to=desk')
    await client.post('/sign-in', { name, password: PASSWORD, to: 'desk' })
    await client.post('/code', { code: fixture.code() })
    await client.get('/desk/lockouts')
    const headers = () => ({ cookie: client.cookie, origin: fixture.url, 'x-csrf-token': client.csrf })
    const api = (path: string, more: Ask = {}) =>
      ask(`${fixture.url}/api/v1${path}`, { ...more, headers: headers() })
    return { name, client, api, headers }
  }

  /** What no answer to somebody of Frankfurt may hold. */
  const FOREIGN = /zoe-ber|ldap-ber|ghost|guess at none|203\.0\.113/

  const PAGES = [
    '/desk/lockouts',
    '/desk/lockouts/live',
    '/desk/lockouts?state=ended',
    '/desk/lockouts?tab=all&sort=name',
    '/desk/attempts',
    '/desk/attempts/live',
    ...['network', 'address', 'user', 'gateway', 'hour'].flatMap((by) => [
      `/desk/attempts?by=${by}`,
      `/desk/attempts/file?by=${by}&format=csv`,
    ]),
    '/desk/sessions?state=any',
    '/desk/users',
    '/desk/users?filter=locked',
    '/desk/users?filter=not_enrolled',
    '/desk/audit',
    '/desk/search?q=e',
  ]

  test('sees on every page of the desk the users of that part alone', async () => {
    const { client } = await signedIn(['helpdesk-fra'])
    for (const path of PAGES) {
      const { status, text } = await client.get(path)
      expect([path, status]).toEqual([path, 200])
      expect([path, FOREIGN.exec(text)?.[0]]).toEqual([path, undefined])
    }
    for (const path of [
      '/desk/lockouts?tab=all',
      '/desk/attempts',
      '/desk/sessions',
      '/desk/users',
      '/desk/audit',
    ])
      expect([
        path,
        /anna-fra[\s\S]*ldap-fra|ldap-fra[\s\S]*anna-fra/.test((await client.get(path)).text),
      ]).toEqual([path, true])
    // Of a directory user: the store and the groups.
    expect((await client.get('/desk/users?q=ldap-fra')).text).toMatch(/<span>corp<\/span>[\s\S]*staff-fra/)
    // What goes on concerns all users.
    const home = await client.get('/desk')
    expect(home.text).not.toMatch(/href="\/desk"/)
    expect((await client.get('/desk/now/live')).status).toBe(403)
    expect((await client.get('/desk/add-user')).status).toBe(403)
  })

  test('finds nobody else, by whatever way', async () => {
    const { client } = await signedIn(['helpdesk-fra'])
    for (const user of ['zoe-ber', 'ldap-ber', 'ghost', 'none']) {
      for (const path of [
        `/desk/users/${user}`,
        `/desk/users/${user}/leave`,
        `/desk/lockouts/${lockouts[user]}`,
        `/desk/timeline?session=${sessions[user]}`,
      ])
        expect([path, (await client.get(path)).status]).toEqual([path, expect.toBeOneOf([403, 404])])
      for (const path of [
        `/desk/search?q=${user}`,
        `/desk/timeline?user=${user}`,
        `/desk/audit?user=${user}`,
        `/desk/attempts?q=${user}`,
        `/desk/sessions?q=${user}&state=any`,
        `/desk/lockouts?q=${user}`,
      ]) {
        const { text } = await client.get(path)
        const told = new RegExp(`guess at|held ${user}|${lockouts[user]}|${sessions[user]}|203\\.0\\.113`)
        expect([path, told.exec(text)?.[0]]).toEqual([path, undefined])
      }
    }
    for (const path of [`/desk/lockouts/${ofAddress}`]) expect((await client.get(path)).status).toBe(404)
    for (const path of [
      `/desk/timeline?address=${STRANGE}`,
      `/desk/search?q=${STRANGE}`,
      `/desk/audit?address=${STRANGE}`,
    ])
      expect([path, /-ber|guess at/.exec((await client.get(path)).text)?.[0]]).toEqual([path, undefined])
  })

  test('finds a directory user who has never signed in by asking the directory', async () => {
    const { client } = await signedIn(['helpdesk-fra'])
    expect((await client.get('/desk/lockouts?tab=all')).text).not.toContain('new-fra')
    expect((await client.get('/desk/users/new-fra')).status).toBe(200)
    expect((await client.get('/desk/lockouts?tab=all')).text).toContain('new-fra')
  })

  test('reads by the API what is of that part, and nothing that is of all users', async () => {
    const { api } = await signedIn(['helpdesk-fra'])
    const { operations } = readContract()
    const lists = [
      '/lockouts',
      '/audit-events',
      '/sessions',
      '/users',
      '/trusts',
      '/sessions/export',
      '/audit-events/export',
    ]
    for (const path of lists) {
      const { status, text } = await api(path)
      expect([path, status]).toEqual([path, 200])
      expect([path, FOREIGN.exec(text)?.[0]]).toEqual([path, undefined])
      if (path !== '/trusts') expect(text).toContain('anna-fra')
    }
    expect((await api(`/timeline?session=${sessions['anna-fra']}`)).text).not.toMatch(FOREIGN)
    for (const path of [
      '/users/zoe-ber',
      '/explain?user=zoe-ber',
      '/explain?user=ghost',
      '/enrolments/zoe-ber',
      '/quotas/zoe-ber',
      '/quotas/ghost',
      `/lockouts/${lockouts['zoe-ber']}`,
      `/lockouts/${ofAddress}`,
      `/sessions/${sessions['ldap-ber']}`,
    ])
      expect([path, (await api(path)).status]).toEqual([path, 404])
    expect((await api('/explain?user=anna-fra')).status).toBe(200)
    expect((await api('/quotas/anna-fra')).json).toMatchObject({ user: 'anna-fra' })
    expect((await api('/me')).json).toMatchObject({ over: { 'users:read': ['staff-fra'] } })
    expect(((await (await signedIn(['admins'])).api('/me')).json as { over?: object }).over).toBeUndefined()
    // Of every other reading operation the API says that the right must be good for everybody.
    const others = operations.filter(
      ({ method, admission, isForAPart }) =>
        method === 'get' && !isForAPart && !['everybody', 'known', 'agent'].includes(admission),
    )
    expect(others.length).toBeGreaterThan(5)
    for (const { path } of others) {
      const { status, text } = await ask(fixture.url + path.replaceAll(/:\w+/g, 'anna-fra'), {
        headers: (await signedInOnce()).headers(),
      })
      expect([path, status]).toEqual([path, 403])
      expect(text).not.toMatch(FOREIGN)
    }
  })

  let once: Awaited<ReturnType<typeof signedIn>> | undefined
  const signedInOnce = async () => {
    once ??= await signedIn(['helpdesk-fra'])
    return once
  }

  test('acts on users of that part alone', async () => {
    const { client, api } = await signedIn(['helpdesk-fra'])
    const { records } = fixture
    const isLocked = async (id = '') => (await records.lockouts.find(id))?.releasedAt === undefined
    const json = { reason: REASON }
    for (const user of ['zoe-ber', 'ldap-ber', 'ghost', 'boss-fra']) {
      expect([user, (await api(`/lockouts/${lockouts[user]}/release`, { json })).status]).toEqual([user, 403])
      expect((await api('/lockouts', { json: { scope: 'user', user, ...json } })).status).toBe(403)
      const seen = user === 'boss-fra'
      expect((await api(`/sessions/${sessions[user]}/end`, { json })).status).toBe(seen ? 403 : 404)
      expect((await api(`/enrolments/${user}/recovery-codes`, { json })).status).toBe(403)
      expect((await client.post('/desk/users/invite', { name: user, reason: REASON })).status).toBeOneOf([
        403, 404,
      ])
      expect(
        (await client.post('/desk/users/revoke', { name: user, subject: user, reason: REASON })).status,
      ).toBe(403)
      expect(await isLocked(lockouts[user])).toBe(true)
    }
    expect((await records.audit.list({ kinds: ['invitation.made'], limit: 10 })).length).toBe(0)
    expect((await api(`/lockouts/${ofAddress}/release`, { json })).status).toBe(403)
    expect(
      (await api('/lockouts', { json: { scope: 'address', address: '192.0.2.5', ...json } })).status,
    ).toBe(403)
    expect(
      (await client.post('/desk/lock', { scope: 'address', address: '192.0.2.5', reason: REASON })).status,
    ).toBe(403)
    // All that there are: theirs alone.
    const released = await api('/lockouts/release', {
      json: { filter: { before: '2100-01-01T00:00:00Z' }, ...json },
    })
    expect(released.status).toBe(200)
    for (const user of ['anna-fra', 'ldap-fra'])
      expect([user, await isLocked(lockouts[user])]).toEqual([user, false])
    for (const user of ['zoe-ber', 'ldap-ber', 'ghost', 'none', 'boss-fra'])
      expect([user, await isLocked(lockouts[user])]).toEqual([user, true])
    expect(await isLocked(ofAddress)).toBe(true)
    expect((await api(`/sessions/${sessions['anna-fra']}/end`, { json })).status).toBe(202)
    expect((await client.post('/desk/users/invite', { name: 'ldap-fra', reason: REASON })).status).toBe(200)
    expect(
      (await records.audit.list({ user: 'ldap-fra', kinds: ['invitation.made'], limit: 10 })).length,
    ).toBe(1)
  })

  test('changes nothing of others by any door, and no answer tells who is there', async () => {
    const { client, api } = await signedIn(['helpdesk-fra'])
    const { records } = fixture
    const [name, subject] = ['zoe-ber', 'zoe-ber']
    await fill(name)
    const authenticator = await fixture.enrol(name)
    const passkey = systemRandom.id()
    await records.passkeys.add({
      ...{ id: passkey, subject, name: 'phone', credential: passkey, handle: 'AA', publicKey: 'AA' },
      ...{ counter: 0, rpId: 'vpn.example.org', createdAt: Date.now() },
    })
    const json = { reason: REASON }
    const doors = (user: string): [string, () => Promise<{ readonly status: number }>][] => {
      const [id = '', session = ''] = [lockouts[user], sessions[user]]
      const desk = (path: string, fields: Readonly<Record<string, string>>) =>
        client.post(`/desk/${path}`, { reason: REASON, ...fields })
      const form = { name: user, subject: user }
      return [
        ['a lockout', () => desk(`lockouts/${id}/release`, {})],
        ['lockouts', () => desk('lockouts/release', { id })],
        ['of a user', () => desk('users/release', form)],
        ['a session', () => desk('sessions/end', { id: session })],
        ['leaves', () => desk(`users/${user}/leave`, {})],
        ['is invited', () => desk('users/invite', form)],
        ['are invited', () => desk('users/invite-many', { name: user })],
        ['an authenticator', () => desk('users/revoke', { ...form, id: authenticator })],
        ['a passkey', () => desk('users/revoke-passkey', { ...form, id: passkey })],
        ['trusts', () => desk('users/revoke-trusts', form)],
        ['by API: authenticators', () => api(`/enrolments/${user}/revoke`, { json })],
        ['by API: a new one', () => api('/pending-enrolments', { json: { user } })],
        ['by API: a passkey', () => api(`/passkeys/${user}/${passkey}/revoke`, { json })],
        ['by API: sessions of a user', () => api('/sessions/end', { json: { user, ...json } })],
        [
          'by API: sessions at an address',
          () => api('/sessions/end', { json: { address: STRANGE, ...json } }),
        ],
        [
          'by API: a session by its name',
          () => api('/sessions/end', { json: { session: `acct-${user}`, ...json } }),
        ],
      ]
    }
    const told = async (user: string) => {
      const answers: [string, number][] = []
      for (const [door, answer] of doors(user)) answers.push([door, (await answer()).status])
      return answers
    }
    // As of somebody of whom nobody knows anything.
    sessions['nobody-at-all'] = systemRandom.id()
    lockouts['nobody-at-all'] = systemRandom.id()
    const ofNobody = new Map(await told('nobody-at-all'))
    // The identifier of a lockout cannot be guessed.
    for (const [door, status] of await told(name))
      if (door !== 'a lockout') expect([door, status]).toEqual([door, ofNobody.get(door)])
    expect((await records.lockouts.find(lockouts[name] ?? ''))?.releasedAt).toBeUndefined()
    expect((await records.enrolments.ofSubject(subject)).map(({ id }) => id)).toEqual([authenticator])
    expect((await records.passkeys.list(subject)).map(({ id }) => id)).toEqual([passkey])
    expect(await records.orders.list({ limit: 10, gateway: 'gw1' })).not.toContainEqual(
      expect.objectContaining({ user: name, reason: 'operator' }),
    )
    const changes = ['invitation.made', 'enrolment.revoked', 'lockout.released', 'trust.revoked'] as const
    expect(await records.audit.list({ user: name, kinds: changes, limit: 10 })).toEqual([])
  })

  test('reads all by another role, and still acts on users of that part alone', async () => {
    const { client, api } = await signedIn(['helpdesk-fra', 'auditors'])
    const { records } = fixture
    await fill('zoe-ber')
    const id = lockouts['zoe-ber']
    const isLocked = async (lockout = '') => (await records.lockouts.find(lockout))?.releasedAt === undefined
    const json = { reason: REASON }
    expect((await api('/audit-events')).text).toContain('zoe-ber')
    const wishes: readonly Readonly<Record<string, string>>[] = [
      { scope: 'user', user: 'zoe-ber' },
      { scope: 'address', address: '192.0.2.5' },
    ]
    for (const wanted of wishes) {
      expect([wanted, (await api('/lockouts', { json: { ...wanted, ...json } })).status]).toEqual([
        wanted,
        403,
      ])
      expect((await client.post('/desk/lock', { ...wanted, reason: REASON })).status).toBe(403)
    }
    expect((await client.get('/desk/lock')).text).not.toContain('value="address"')
    for (const lockout of [id, ofAddress]) {
      expect((await api(`/lockouts/${lockout}/release`, { json })).status).toBe(403)
      expect((await client.post(`/desk/lockouts/${lockout}/release`, { reason: REASON })).status).toBe(403)
    }
    await client.post('/desk/lockouts/release', { id: ofAddress, reason: REASON })
    await client.post('/desk/users/release', { name: 'zoe-ber', reason: REASON })
    const all = { filter: { before: '2100-01-01T00:00:00Z' }, ...json }
    expect((await api('/lockouts/release', { json: all })).status).toBe(200)
    for (const lockout of [id, ofAddress]) expect(await isLocked(lockout)).toBe(true)
    const revoked = await client.post('/desk/users/revoke-trusts', { name: 'zoe-ber', reason: REASON })
    expect(revoked.status).toBe(403)
  })

  test('hears of that part alone', async () => {
    const { headers } = await signedIn(['helpdesk-fra'])
    const stream = await listenTo(`${fixture.url}/api/v1/events?topics=lockouts,logins`, headers())
    await fill('zoe-ber')
    await fill('ghost')
    await fill('anna-fra')
    await expect
      .poll(() => stream.events.map(({ data }) => data.user), { timeout: 10_000 })
      .toContain('anna-fra')
    expect(JSON.stringify(stream.events)).not.toMatch(FOREIGN)
    stream.close()
  })

  test('with two such roles sees both, with a role for everybody all; an auditor of a part changes nothing', async () => {
    const both = await signedIn(['helpdesk-fra', 'helpdesk-ber'])
    expect((await both.api('/audit-events')).text).toMatch(/zoe-ber/)
    expect((await both.client.get('/desk/audit')).text).toMatch(/zoe-ber/)
    expect((await both.client.get('/desk/audit')).text).not.toMatch(/guess at ghost/)
    const all = await signedIn(['helpdesk', 'helpdesk-fra'])
    expect((await all.client.get('/desk/audit')).text).toMatch(/ghost/)
    const auditor = await signedIn(['auditors-fra'])
    const audit = await auditor.client.get('/desk/audit')
    expect(audit.text).toContain('anna-fra')
    expect(audit.text).not.toMatch(FOREIGN)
    expect((await auditor.client.get('/desk/users/zoe-ber')).status).toBe(404)
    expect((await auditor.client.get('/desk/lock')).status).toBe(403)
  })
})
