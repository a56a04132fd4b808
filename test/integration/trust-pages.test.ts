import { afterAll, beforeAll, expect, test } from 'vitest'
import { FormClient } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { admission, HOUR, trustOf } from '../store/samples.ts'

const resources = new AsyncDisposableStack()
let fixture: TestBroker

beforeAll(async () => {
  fixture = await startTestBroker({ http: { allow: '127.0.0.1' } }, (end) => void resources.defer(end))
})

afterAll(() => resources.disposeAsync())

let made = 0

/** A user who is signed in at the portal, and trusted in these networks. */
async function trustedIn(networks: readonly string[], groups: readonly string[] = []) {
  const name = `traveller${made++}`
  await fixture.addUser(name, groups)
  const enrolment = await fixture.enrol(name)
  const ids = []
  for (const network of networks) {
    const trust = trustOf(name, { enrolment, network, expiresAt: Date.now() + HOUR })
    await fixture.records.login.admit({ ...admission(name, { kind: 'none' }), trust })
    ids.push(trust.id)
  }
  const client = new FormClient(fixture.url)
  await client.get('/')
  await client.post('/sign-in', { name, password: PASSWORD })
  await client.post('/code', { code: fixture.code() })
  return { name, ids, client }
}

const networksOf = async (user: string) =>
  (await fixture.records.trusts.list({ user, now: Date.now(), limit: 9 })).map(({ network }) => network)
const revocations = async (user: string) =>
  fixture.records.audit.list({ user, kinds: ['trust.revoked'], limit: 9 })

test('users see where they are trusted, and end one of their own', async () => {
  const ada = await trustedIn(['198.51.100.7', '2001:db8:1:2::/64'])
  const eve = await trustedIn(['203.0.113.5'])
  const { text } = await ada.client.get('/')
  expect(text).toContain('198.51.100.7')
  expect(text).toContain('2001:db8:1:2::/64')
  expect(text).not.toContain('203.0.113.5')
  expect((await ada.client.post('/trusts/revoke', { id: ada.ids[0] ?? '' })).status).toBe(200)
  expect(await networksOf(ada.name)).toEqual(['2001:db8:1:2::/64'])
  expect(await revocations(ada.name)).toMatchObject([{ detail: '198.51.100.7: at the portal' }])
  await ada.client.post('/trusts/revoke', { id: eve.ids[0] ?? '' })
  expect(await networksOf(eve.name)).toEqual(['203.0.113.5'])
  expect((await ada.client.postOnly('/trusts/revoke', { id: ada.ids[1] ?? '', csrf: '' })).status).toBe(403)
  expect(await networksOf(ada.name)).toHaveLength(1)
})

test('signing out everywhere ends every trust', async () => {
  const { name, client } = await trustedIn(['198.51.100.7', '198.51.100.8'])
  await client.get('/')
  await client.post('/sign-out-everywhere', {})
  expect(await networksOf(name)).toEqual([])
  expect(await revocations(name)).toHaveLength(1)
})

test('the desk shows a user’s trusts, and ends them only with a right to write', async () => {
  const { name } = await trustedIn(['198.51.100.7'])
  const page = `/desk/users/${name}?tab=authenticators`
  const auditor = await trustedIn([], ['auditors'])
  const reader = await auditor.client.get(page)
  expect(reader.text).toContain('198.51.100.7')
  expect(reader.text).not.toContain('/desk/users/revoke-trusts')
  const helper = await trustedIn([], ['helpdesk'])
  expect((await helper.client.get(page)).text).toContain('/desk/users/revoke-trusts')
  const reason = 'the laptop was stolen'
  expect((await helper.client.post('/desk/users/revoke-trusts', { name, reason })).status).toBe(200)
  expect(await networksOf(name)).toEqual([])
  expect(await revocations(name)).toMatchObject([{ actor: `${helper.name} (web)`, detail: reason }])
})
