import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { ask } from '../http/ask.ts'
import { type BrokerHouse, openBrokerHouse, PASSWORD } from '../http/broker-house.ts'
import { FormClient, headingOf } from '../http/form-client.ts'

const reason = 'the user called'
const ROLES = ['admins', 'helpdesk', 'auditors'] as const

const resources = new AsyncDisposableStack()
let house: BrokerHouse
let lockout: string

beforeAll(async () => {
  house = await openBrokerHouse({ http: { allow: '127.0.0.1' } }, (end) => void resources.defer(end))
  const lock = { scope: 'user', user: 'victim', reason, by: 'tests', since: Date.now() } as const
  lockout = (await house.records.lockoutDesk.lock({ id: systemRandom.id(), ...lock })).id
  await house.addUser('victim')
  await house.enrol('victim')
})

afterAll(() => resources.disposeAsync())

let made = 0

/** A browser at the desk; with a password alone where no code is wanted. */
async function signedIn(groups: readonly string[], { code = true, from = '127.0.0.1' } = {}) {
  const name = `person${made++}`
  await house.addUser(name, groups)
  await house.enrol(name)
  const client = new FormClient(house.url, from)
  await client.get('/')
  await client.post('/sign-in', { name, password: PASSWORD })
  if (code) await client.post('/code', { code: house.code() })
  await client.get('/')
  return client
}

const PAGES = ['/desk', '/desk/live', '/desk/lock', '/desk/users', '/desk/sessions', '/desk/audit'] as const

/** Every form of the desk, with fields that would do something. */
const forms = (): readonly (readonly [path: string, fields: Readonly<Record<string, string>>])[] => [
  ['/desk/lock', { scope: 'user', user: 'somebody', reason }],
  [`/desk/lockouts/${lockout}/release`, { reason }],
  ['/desk/users/revoke', { name: 'victim', subject: 'victim', reason }],
  ['/desk/users/invite', { name: 'victim', reason }],
]

/** Nothing of what the forms would have done. */
async function expectNothingDone(): Promise<void> {
  const { lockoutDesk, enrolments, audit } = house.records
  expect((await lockoutDesk.find(lockout))?.releasedAt).toBeUndefined()
  const now = Date.now()
  expect(await lockoutDesk.search({ user: 'somebody', now, order: 'newest', limit: 1 })).toEqual([])
  expect(await enrolments.find('victim')).toBeDefined()
  expect(await audit.list({ kind: 'invitation.made', limit: 1 })).toEqual([])
}

describe('a form of the desk', () => {
  test('is taken from a page of the desk alone', async () => {
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

  test('is not taken from whom no role covers', async () => {
    const nobody = await signedIn(['staff'])
    const auditor = await signedIn(['auditors'])
    for (const [path, fields] of forms())
      for (const client of [nobody, auditor])
        expect([path, (await client.postOnly(path, fields)).status]).toEqual([path, 403])
    await expectNothingDone()
  })

  test('is not taken from a password alone, a stranger, or a token', async () => {
    const half = await signedIn(['admins'], { code: false })
    const stranger = new FormClient(house.url)
    await stranger.get('/')
    const auditor = await signedIn(['auditors'])
    const token = await house.token()
    for (const [path, fields] of forms()) {
      for (const client of [half, stranger])
        expect((await client.postOnly(path, fields)).status).toBeGreaterThanOrEqual(400)
      const headers = { authorization: `Bearer ${token}` }
      expect((await auditor.postOnly(path, fields, headers)).status).toBeGreaterThanOrEqual(400)
      expect((await stranger.postOnly(path, fields, headers)).status).toBeGreaterThanOrEqual(400)
      const body = new URLSearchParams(fields).toString()
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const told = await ask(house.url + path, { token, body, headers: type })
      expect(told.status).toBeGreaterThanOrEqual(400)
    }
    await expectNothingDone()
  })

  test('is not taken from an address that is not allowed', async () => {
    const away = await signedIn(['admins'], { from: '127.0.0.2' })
    for (const [path, fields] of forms()) expect((await away.postOnly(path, fields)).status).toBe(403)
    await expectNothingDone()
  })

  test('is taken from whom a role covers, and written down with their name', async () => {
    const client = await signedIn(['helpdesk'])
    for (const [path, fields] of forms())
      expect([path, (await client.post(path, fields)).status]).toEqual([path, 200])
    const kinds = ['lockout.made', 'lockout.released', 'enrolment.revoked', 'invitation.made'] as const
    for (const kind of kinds) {
      const events = await house.records.audit.list({ kind, limit: 100 })
      const actors = events.map(({ actor = '' }) => actor)
      expect([kind, actors.some((actor) => /^person\d+ \(web\)$/.test(actor))]).toEqual([kind, true])
      expect(events.some(({ detail = '' }) => detail.includes(reason))).toBe(true)
    }
  })
})

describe('a page of the desk', () => {
  test('is shown to whom a role covers, from where the desk may be reached', async () => {
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
      const { status, text } = await ask(house.url + path, { token: await house.token() })
      expect([path, status >= 300]).toEqual([path, true])
      expect(text).not.toContain('victim')
    }
  })

  test('is framed by nobody and kept by no cache', async () => {
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
