import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SCOPES } from '../../src/domain/scope.ts'
import { type Ask, ask, type HttpAnswer } from '../http/ask.ts'
import { FormClient, headingOf, keyOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { describeWith } from '../real/needs.ts'
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

const READING = SCOPES.filter((scope) => scope.endsWith(':read') || scope === 'explain')
const OF_ROLE = {
  adam: SCOPES,
  helen: [...READING, 'lockouts:write', 'passwords:mail', 'enrolments:write', 'sessions:write'],
  audrey: READING,
  nobody: [],
} as const
type Name = keyof typeof OF_ROLE
const NAMES = Object.keys(OF_ROLE) as Name[]

describeWith(SLAPD_NEEDS, 'people who sign in with their directory’s password and a code', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker

  beforeAll(async () => {
    const slapd = await startSlapd({
      entries: [
        ...[...NAMES, 'new'].map((name) => person(name, PASSWORD)),
        group('admins', [personDn('adam')]),
        group('helpdesk', [personDn('helen')]),
        group('auditors', [personDn('audrey')]),
      ],
    })
    resources.defer(slapd.stop)
    const corp = {
      type: 'ldap',
      urls: [slapd.url],
      bind_dn: ADMIN,
      bind_password: ADMIN_PASSWORD,
      user_base: PEOPLE,
      groups: { sources: [{ kind: 'members', base: GROUPS }] },
    }
    fixture = await startTestBroker(
      // From 127.0.0.2 the portal is there, and nothing else.
      { http: { allow: '127.0.0.1' }, identity: { order: ['local', 'corp'], corp } },
      (end) => void resources.defer(end),
    )
    const token = await fixture.token()
    for (const user of NAMES) {
      const { json } = await ask(`${fixture.url}/api/v1/explain?user=${user}`, { token })
      const { stores } = json as unknown as { stores: { store: string; subject: string }[] }
      await fixture.enrol(stores.find(({ store }) => store === 'corp')?.subject ?? '')
    }
  })

  afterAll(() => resources.disposeAsync())

  /** A browser as far as the code page. */
  async function withPassword(user: string, from?: string): Promise<FormClient> {
    const client = new FormClient(fixture.url, from)
    await client.get('/')
    await client.post('/sign-in', { name: user, password: PASSWORD })
    return client
  }

  async function signedIn(user: Name, from?: string): Promise<FormClient> {
    // A code is good for one sign-in.
    await fixture.enrol((await subjectsOf(user)) ?? '')
    const client = await withPassword(user, from)
    await client.post('/code', { code: fixture.code() })
    expect(headingOf(await client.get('/'))).toBe('Your account')
    return client
  }

  async function subjectsOf(user: string): Promise<string | undefined> {
    const { items } = (
      await ask(`${fixture.url}/api/v1/enrolments?limit=100`, { token: await fixture.token() })
    ).json as unknown as { items: { subject: string }[] }
    return items.find(({ subject }) => subject.includes(user))?.subject
  }

  /** What a script of a page of the broker asks. */
  function asPage(client: FormClient, path: string, options: Ask = {}): Promise<HttpAnswer> {
    const headers = { cookie: client.cookie, origin: fixture.url, 'x-csrf-token': client.csrf }
    return ask(`${fixture.url}/api/v1${path}`, { ...options, headers: { ...headers, ...options.headers } })
  }

  const reason = 'the user called'
  let made = 0
  const fresh = () => `victim${made++}`
  const lock = (user: string) => ({ json: { scope: 'user', user, reason } })
  const isLocked = async (user: string) =>
    (await fixture.records.lockouts.list({ user, limit: 1 })).length > 0

  test.each(NAMES)('may do what the role of their groups may: %s', async (name) => {
    const client = await signedIn(name)
    const scopes: readonly string[] = OF_ROLE[name]
    const me = await asPage(client, '/me')
    expect(me.json).toMatchObject({ kind: 'person', name })
    expect([...(me.json.scopes as unknown as string[])].toSorted()).toEqual([...scopes].toSorted())
    const may = (scope: string, status: number) => (scopes.includes(scope) ? status : 403)
    expect((await asPage(client, '/lockouts')).status).toBe(may('lockouts:read', 200))
    expect((await asPage(client, '/audit-events')).status).toBe(may('audit:read', 200))
    const user = fresh()
    expect((await asPage(client, '/lockouts', lock(user))).status).toBe(may('lockouts:write', 201))
    expect(await isLocked(user)).toBe(scopes.includes('lockouts:write'))
    const added = await asPage(client, '/users', { json: { name: fresh(), reason } })
    expect(added.status).toBe(may('users:write', 201))
  })

  test('are recorded with their name, their address and their reason', async () => {
    const client = await signedIn('adam')
    const user = fresh()
    await asPage(client, '/users', { json: { name: user, reason } })
    expect(await fixture.records.audit.list({ user, limit: 10 })).toMatchObject([
      { kind: 'user.added', actor: 'adam (web)', address: '127.0.0.1', detail: reason },
    ])
  })

  test('are nobody to the API with a password alone', async () => {
    const waiting = await withPassword('adam')
    expect((await asPage(waiting, '/me')).status).toBe(401)
    // In the midst of their first enrolment.
    const enrolling = await withPassword('new')
    expect(headingOf(await enrolling.get('/enrol'))).toBeDefined()
    expect((await asPage(enrolling, '/me')).status).toBe(401)
  })

  test('are nobody under a cookie of before they signed in, nor after they signed out', async () => {
    await fixture.enrol((await subjectsOf('adam')) ?? '')
    const client = new FormClient(fixture.url)
    await client.get('/')
    const planted = client.cookie
    await client.post('/sign-in', { name: 'adam', password: PASSWORD })
    const afterPassword = client.cookie
    await client.post('/code', { code: fixture.code() })
    const { cookie } = client
    const status = async (shown: string) =>
      (await asPage(client, '/me', { headers: { cookie: shown } })).status
    expect(await status(cookie)).toBe(200)
    expect(await status(planted)).toBe(401)
    expect(await status(afterPassword)).toBe(401)
    await client.get('/')
    await client.post('/sign-out')
    expect(await status(cookie)).toBe(401)
  })

  test('are nobody as soon as somebody locks them', async () => {
    const client = await signedIn('helen')
    expect((await asPage(client, '/me')).status).toBe(200)
    const token = await fixture.token()
    const { json } = await ask(`${fixture.url}/api/v1/lockouts`, { token, ...lock('helen') })
    expect((await asPage(client, '/me')).status).toBe(401)
    await ask(`${fixture.url}/api/v1/lockouts/${json.id}/release`, { token, json: { reason } })
    expect((await asPage(client, '/me')).status).toBe(401)
  })

  test('are nobody as soon as somebody takes from them what they signed in with', async () => {
    const token = await fixture.token()
    for (const [path, options] of [
      ['/users/:name', { method: 'PATCH', json: { enabled: false, reason } }],
      ['/users/:name', { method: 'PATCH', json: { password: `new ${PASSWORD}`, reason } }],
      ['/users/:name?reason=left', { method: 'DELETE' }],
      ['/enrolments/:name/revoke', { json: { reason } }],
    ] as const) {
      const name = fresh()
      await fixture.addUser(name, ['auditors'])
      await fixture.enrol(name)
      const client = await withPassword(name)
      await client.post('/code', { code: fixture.code() })
      expect((await asPage(client, '/me')).status).toBe(200)
      const done = await ask(`${fixture.url}/api/v1${path.replace(':name', name)}`, { token, ...options })
      expect(done.status).toBeLessThan(300)
      expect([options, (await asPage(client, '/me')).status]).toEqual([options, 401])
    }
  })

  test('manage nothing from an address that is not allowed', async () => {
    const client = await signedIn('adam', '127.0.0.2')
    const answer = await asPage(client, '/me', { from: '127.0.0.2' })
    expect([answer.status, answer.json.type]).toEqual([403, 'urn:ocbroker:problem:address-not-allowed'])
    expect((await asPage(client, '/me')).status).toBe(200)
  })

  test('have their writes taken from pages of the broker alone', async () => {
    const client = await signedIn('adam')
    const other = await signedIn('helen')
    const forged: readonly Readonly<Record<string, string>>[] = [
      { 'x-csrf-token': '' },
      { 'x-csrf-token': 'x'.repeat(43) },
      { 'x-csrf-token': other.csrf },
      { origin: 'https://elsewhere.example' },
      { origin: 'null' },
      { origin: fixture.url.replace('127.0.0.1', 'localhost') },
      { origin: `${fixture.url}.elsewhere.example` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ]
    for (const headers of forged) {
      const user = fresh()
      const answer = await asPage(client, '/lockouts', { ...lock(user), headers })
      expect([headers, answer.status, answer.json.type]).toEqual([
        headers,
        403,
        'urn:ocbroker:problem:forgery',
      ])
      expect(await isLocked(user)).toBe(false)
    }
    // A program that has the cookie and sends nothing of where it comes from.
    const user = fresh()
    const bare = { cookie: client.cookie, 'x-csrf-token': client.csrf }
    expect((await ask(`${fixture.url}/api/v1/lockouts`, { ...lock(user), headers: bare })).status).toBe(403)
    expect((await asPage(client, '/lockouts', lock(user))).status).toBe(201)
    const fetched = { ...lock(fresh()), headers: { 'sec-fetch-site': 'same-origin' } }
    expect((await asPage(client, '/lockouts', fetched)).status).toBe(201)
  })

  test('are not known by a cookie when an invalid token is shown beside it', async () => {
    const client = await signedIn('adam')
    expect((await asPage(client, '/me', { token: `ocb_${'x'.repeat(43)}` })).status).toBe(401)
    const reader = await fixture.token(['lockouts:read'])
    expect((await asPage(client, '/users', { token: reader })).status).toBe(403)
  })
})

describeWith(SLAPD_NEEDS, 'a user who signs in by another of their names', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker

  beforeAll(async () => {
    const names = { uid: ['asmith', 'alice'], mail: 'alice@example.org' }
    const slapd = await startSlapd({ entries: [person('alice', PASSWORD, names)] })
    resources.defer(slapd.stop)
    const corp = { type: 'ldap', urls: [slapd.url], user_base: PEOPLE, user_attributes: ['uid', 'mail'] }
    fixture = await startTestBroker(
      { identity: { order: ['corp'], corp } },
      (end) => void resources.defer(end),
    )
  })

  afterAll(() => resources.disposeAsync())

  async function withPassword(name: string): Promise<FormClient> {
    const client = new FormClient(fixture.url)
    await client.get('/')
    await client.post('/sign-in', { name, password: PASSWORD })
    return client
  }

  test('is signed out by a lock on the name under which everything of theirs is kept', async () => {
    await fixture.enrol('alice')
    const client = await withPassword('asmith')
    await client.post('/code', { code: fixture.code() })
    expect(headingOf(await client.get('/'))).toBe('Your account')
    const token = await fixture.token()
    const lock = { scope: 'user', user: 'alice', reason: 'the laptop was stolen' }
    const { json } = await ask(`${fixture.url}/api/v1/lockouts`, { token, json: lock })
    expect(headingOf(await client.get('/'))).toBe('Sign in')
    await fixture.records.lockouts.release(String(json.id), 'tests', 'found again', Date.now())
  })

  test('signs out everywhere, whichever name was typed there', async () => {
    await fixture.records.enrolments.revoke('alice')
    const one = await withPassword('asmith')
    const secret = keyOn(await one.get('/enrol')) ?? expect.unreachable('there is no key')
    await one.post('/enrol/confirm', { code: generateSync({ secret }) })
    await one.post('/recovery-codes/saved', { saved: 'yes' })
    const other = await withPassword('alice')
    await other.post('/code', { code: generateSync({ secret, epoch: Date.now() / 1000 + 30 }) })
    for (const client of [one, other]) expect(headingOf(await client.get('/'))).toBe('Your account')
    await other.post('/sign-out-everywhere')
    for (const client of [one, other]) expect(headingOf(await client.get('/'))).toBe('Sign in')
  })
})
