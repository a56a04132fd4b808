import { afterAll, beforeAll, expect, test } from 'vitest'
import { usernameOf } from '../../src/domain/login-name.ts'
import { ask } from '../http/ask.ts'
import { FormClient, problemOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { accounting, admission, unique } from '../store/samples.ts'

const resources = new AsyncDisposableStack()
let fixture: TestBroker
let token: string

beforeAll(async () => {
  const quota = [
    { traffic: '10GB', per: '30d' },
    { time: '40h', per: '30d' },
  ]
  const policies = [
    { name: 'staff', when: { groups: ['staff', 'admins', 'helpdesk'] }, quota, reply: {} },
    { name: 'rest', reply: {} },
  ]
  fixture = await startTestBroker({ policies }, (end) => void resources.defer(end))
  token = await fixture.token()
})

afterAll(() => resources.disposeAsync())

/** A user of the staff who has used so much today. */
async function userWith(octetsIn: number): Promise<string> {
  const [user, acctSession] = [unique('=user'), unique('acct')]
  const day = new Date().toISOString().slice(0, 10)
  await fixture.addUser(user, ['staff'])
  await fixture.records.login.admit(
    admission(user, { kind: 'none' }, { now: Date.now(), session: { acctSession } }),
  )
  const at = Date.now()
  await fixture.records.sessions.record(
    accounting('stop', user, acctSession, { at, octetsIn, seconds: 3600 }),
    {
      day,
      quotas: {},
    },
  )
  return user
}

async function signedIn(name: string, groups: readonly string[], to: string): Promise<FormClient> {
  await fixture.addUser(name, groups)
  await fixture.enrol(name)
  const client = new FormClient(fixture.url)
  await client.get(`/?to=${to}`)
  await client.post('/sign-in', { name, password: PASSWORD, to })
  await client.post('/code', { code: fixture.code() })
  return client
}

const api = (path: string, more: Parameters<typeof ask>[1] = {}) =>
  ask(`${fixture.url}/api/v1${path}`, { token, ...more })
const quotaPath = (user: string) => `/quotas/${encodeURIComponent(user)}`

test('usage and sessions are files in CSV and NDJSON, in which nothing is a formula', async () => {
  const user = await userWith(5)
  const usage = await api(`/usage/export?format=csv&by=user&user=${encodeURIComponent(user)}`)
  expect(usage.headers['content-type']).toContain('text/csv')
  expect(usage.headers['content-disposition']).toBe('attachment; filename=usage.csv')
  expect(usage.text).toBe(`user,seconds,octetsIn,octetsOut\r\n'${user},3600,5,0\r\n`)
  const lines = await api(`/usage/export?per=day&user=${encodeURIComponent(user)}`)
  expect(
    lines.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ octetsIn: 5 }])
  const sessions = await api(`/sessions/export?format=csv&user=${encodeURIComponent(usernameOf(user))}`)
  const [head, row, ...others] = sessions.text.trim().split('\r\n')
  expect(head).toMatch(/^user,subject,gateway,policy,state,/)
  expect(row).toContain(`'${user},'${user},gw1,staff,ended,`)
  expect(others).toEqual([])
})

test('usage is listed a page at a time', async () => {
  await userWith(1)
  await userWith(2)
  const first = await api('/usage?by=user&limit=1')
  expect(first.json).toMatchObject({ items: [{ user: expect.any(String) }], next: expect.any(String) })
  const second = await api(`/usage?by=user&limit=1&cursor=${first.json.next}`)
  expect(second.json).not.toMatchObject({ items: first.json.items })
  for (const wrong of ['/usage?from=2026-02-30', '/usage?by=day', '/usage/export?format=pdf'])
    expect([wrong, (await api(wrong)).status]).toEqual([wrong, 400])
})

test('a quota is shown and added to by the API', async () => {
  const user = await userWith(4e9)
  const shown = await api(quotaPath(user))
  expect(shown.json).toMatchObject({
    user,
    items: [
      { policy: 'staff', measure: 'both', most: 10e9, used: 4e9, left: 6e9 },
      { measure: 'time', most: 144_000, used: 3600, left: 140_400 },
    ],
  })
  const more = { octets: 5e9, reason: 'a long call' }
  const added = await api(`${quotaPath(user)}/add`, { json: more })
  expect(added.json).toMatchObject({ items: [{ most: 15e9, left: 11e9 }, { most: 144_000 }] })
  const other = unique('other')
  await fixture.addUser(other)
  expect((await api(`${quotaPath(other)}/add`, { json: more })).status).toBe(409)
  expect((await api(`${quotaPath(unique('nobody'))}/add`, { json: more })).status).toBe(404)
  expect((await api(`${quotaPath(user)}/add`, { json: { reason: 'nothing' } })).status).toBe(400)
  expect((await api(`${quotaPath(user)}/add`, { json: { octets: 0, reason: 'nothing' } })).status).toBe(400)
})

test('the desk shows what is left, and an administrator adds to it', async () => {
  const user = await userWith(10e9)
  const admin = await signedIn(unique('admin'), ['admins'], 'desk')
  const page = `/desk/users/${encodeURIComponent(user)}?tab=account`
  const spent = await admin.get(page)
  expect(spent.text).toContain('10 GB of traffic in 30 days')
  expect(spent.text).toContain('0 B of 10 GB left until')
  const wrong = await admin.post('/desk/users/add-quota', {
    name: user,
    amount: 'plenty',
    reason: 'ticket 1',
  })
  expect(problemOn(wrong)).toContain('10GB')
  await admin.post('/desk/users/add-quota', { name: user, amount: '2GB', reason: 'ticket 1' })
  expect((await admin.get(page)).text).toContain('2 GB of 12 GB left until')
  const trail = await fixture.records.audit.list({ user: usernameOf(user), kinds: ['quota.added'], limit: 9 })
  expect(trail).toMatchObject([{ detail: '2 GB added: ticket 1', actor: expect.stringContaining('(web)') }])

  const helper = await signedIn(unique('helper'), ['helpdesk'], 'desk')
  expect((await helper.get(page)).text).not.toContain('/desk/users/add-quota')
  const refused = await helper.post('/desk/users/add-quota', {
    name: user,
    amount: '2GB',
    reason: 'ticket 2',
  })
  expect(refused.status).toBe(403)
})

test('the portal shows users what is left, in both languages', async () => {
  const client = await signedIn(unique('own'), ['staff'], 'account')
  const page = await client.get('/')
  expect(page.text).toContain('What you may use')
  expect(page.text).toContain('40 h of time online in 30 days')
  expect((await client.get('/', { 'accept-language': 'zh-CN' })).text).toContain('30 天内流量 10 GB')
})
