import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { admission, HOUR, trustOf } from '../store/samples.ts'

const reason = 'the user called'
const ROLES = ['admins', 'helpdesk', 'auditors'] as const

const resources = new AsyncDisposableStack()
let fixture: TestBroker
let lockout: string
let session: string

beforeAll(async () => {
  fixture = await startTestBroker({ http: { allow: '127.0.0.1' } }, (end) => void resources.defer(end))
  const lock = { scope: 'user', user: 'victim', reason, by: 'tests', since: Date.now() } as const
  lockout = (await fixture.records.lockouts.lock({ id: systemRandom.id(), ...lock })).id
  await fixture.addUser('victim')
  await fixture.enrol('victim')
  await fixture.addUser('traveller')
  const enrolment = await fixture.enrol('traveller')
  const trust = trustOf('traveller', { enrolment, expiresAt: Date.now() + HOUR })
  const login = admission('traveller', { kind: 'none' })
  session = login.session.id
  await fixture.records.login.admit({ ...login, trust })
})

afterAll(() => resources.disposeAsync())

let made = 0

/** A browser at the desk; with a password alone where no code is wanted. */
async function signedIn(groups: readonly string[], { code = true, from = '127.0.0.1' } = {}) {
  const name = `person${made++}`
  await fixture.addUser(name, groups)
  await fixture.enrol(name)
  const client = new FormClient(fixture.url, from)
  await client.get('/')
  await client.post('/sign-in', { name, password: PASSWORD })
  if (code) await client.post('/code', { code: fixture.code() })
  await client.get('/')
  return client
}

const PAGES = [
  '/desk',
  '/desk/lockouts',
  '/desk/lockouts/live',
  '/desk/search',
  '/desk/lock',
  '/desk/users',
  '/desk/sessions',
  '/desk/audit',
] as const

/** Every form of the desk, with fields that would do something. */
const forms = (): readonly (readonly [path: string, fields: Readonly<Record<string, string>>])[] => [
  ['/desk/lock', { scope: 'user', user: 'somebody', reason }],
  [`/desk/lockouts/${lockout}/release`, { reason }],
  ['/desk/lockouts/release', { id: lockout, reason }],
  ['/desk/users/release', { name: 'locked', reason }],
  ['/desk/users/revoke', { name: 'victim', subject: 'victim', reason }],
  ['/desk/users/invite', { name: 'victim', reason }],
  ['/desk/users/revoke-trusts', { name: 'traveller', reason }],
  ['/desk/sessions/end', { id: session, reason }],
  ['/desk/users/victim/leave', { reason }],
]

/** Nothing of what the forms would have done. */
async function expectNothingDone(): Promise<void> {
  const { lockouts, enrolments, trusts, orders, audit } = fixture.records
  expect(await orders.open('gw1', 9)).toEqual([])
  expect((await lockouts.find(lockout))?.releasedAt).toBeUndefined()
  expect(await lockouts.list({ user: 'somebody', limit: 1 })).toEqual([])
  expect((await enrolments.ofSubject('victim'))[0]).toBeDefined()
  expect(await audit.list({ kinds: ['invitation.made'], limit: 1 })).toEqual([])
  expect(await trusts.list({ user: 'traveller', now: Date.now(), limit: 9 })).toHaveLength(1)
}

describe('a form of the admin console', () => {
  test('is accepted only from a page of the console', async () => {
    const client = await signedIn(['admins'])
    const other = await signedIn(['admins'])
    expect(client.csrf).not.toBe('')
    const forged = [
      [{ csrf: '' }, {}],
      [{ csrf: 'x'.repeat(43) }, {}],
      [{ csrf: other.csrf }, {}],
      [{}, { origin: 'https://elsewhere.example' }],
      [{}, { origin: 'null' }],
      [{}, { origin: undefined }],
      [{}, { 'sec-fetch-site': 'cross-site' }],
      [{}, { 'sec-fetch-site': 'same-site' }],
    ] as const
    for (const [path, fields] of forms())
      for (const [more, headers] of forged) {
        const { status } = await client.postOnly(path, { ...fields, ...more }, headers)
        expect([path, more, headers, status]).toEqual([path, more, headers, 403])
      }
    await expectNothingDone()
  })

  test('is refused without a role', async () => {
    const nobody = await signedIn(['staff'])
    const auditor = await signedIn(['auditors'])
    for (const [path, fields] of forms())
      for (const client of [nobody, auditor])
        expect([path, (await client.postOnly(path, fields)).status]).toEqual([path, 403])
    await expectNothingDone()
  })

  test('is refused after a password alone, without a session, and with a token', async () => {
    const half = await signedIn(['admins'], { code: false })
    const stranger = new FormClient(fixture.url)
    await stranger.get('/')
    const auditor = await signedIn(['auditors'])
    const token = await fixture.token()
    for (const [path, fields] of forms()) {
      for (const client of [half, stranger])
        expect((await client.postOnly(path, fields)).status).toBeGreaterThanOrEqual(400)
      const headers = { authorization: `Bearer ${token}` }
      expect((await auditor.postOnly(path, fields, headers)).status).toBeGreaterThanOrEqual(400)
      expect((await stranger.postOnly(path, fields, headers)).status).toBeGreaterThanOrEqual(400)
      const body = new URLSearchParams(fields).toString()
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await ask(fixture.url + path, { token, body, headers: type })
      expect(answer.status).toBeGreaterThanOrEqual(400)
    }
    await expectNothingDone()
  })

  test('is refused from an address that is not allowed', async () => {
    const away = await signedIn(['admins'], { from: '127.0.0.2' })
    for (const [path, fields] of forms()) expect((await away.postOnly(path, fields)).status).toBe(403)
    await expectNothingDone()
  })

  test('is accepted with a role, and audited with the user’s name', async () => {
    const client = await signedIn(['helpdesk'])
    for (const [path, fields] of forms())
      expect([path, (await client.post(path, fields)).status]).toEqual([path, 200])
    const kinds = [
      'lockout.made',
      'lockout.released',
      'enrolment.revoked',
      'invitation.made',
      'trust.revoked',
      'session.end_ordered',
    ] as const
    for (const kind of kinds) {
      const events = await fixture.records.audit.list({ kinds: [kind], limit: 100 })
      const actors = events.map(({ actor = '' }) => actor)
      expect([kind, actors.some((actor) => /^person\d+ \(web\)$/.test(actor))]).toEqual([kind, true])
      expect(events.some(({ detail = '' }) => detail.includes(reason))).toBe(true)
    }
  })
})

describe('a page of the admin console', () => {
  test('is shown to users with a role, from allowed addresses', async () => {
    for (const role of ROLES) {
      const client = await signedIn([role])
      for (const path of PAGES) {
        const wanted = role === 'auditors' && path === '/desk/lock' ? 403 : 200
        expect([role, path, (await client.get(path)).status]).toEqual([role, path, wanted])
      }
    }
  })

  test('is shown to nobody else', async () => {
    const nobody = await signedIn(['staff'])
    const away = await signedIn(['admins'], { from: '127.0.0.2' })
    const half = await signedIn(['admins'], { code: false })
    for (const path of PAGES) {
      expect((await nobody.get(path)).status).toBe(403)
      expect((await away.get(path)).status).toBe(403)
      expect(headingOf(await half.get(path))).not.toMatch(/lock/i)
      expect((await half.get(path)).text).not.toContain('victim')
      const { status, text } = await ask(fixture.url + path, { token: await fixture.token() })
      expect([path, status >= 300]).toEqual([path, true])
      expect(text).not.toContain('victim')
    }
  })

  test('cannot be framed and is not cached', async () => {
    const client = await signedIn(['admins'])
    for (const path of PAGES) {
      const { headers } = await client.get(path)
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['x-frame-options']).toBe('DENY')
      expect(headers['cache-control']).toBe('no-store')
    }
  })
})
