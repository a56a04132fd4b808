import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type Store } from '../../src/app/storage.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { SYSTEM_RUNTIME } from '../../src/domain/runtime.ts'
import { SCOPES, type Scope } from '../../src/domain/scope.ts'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'

const reason = 'the tests say so'

describe('a signed-in browser of a local administrator', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  /** The same records as another process has them open, a command or a second broker. */
  let elsewhere: Store
  let made = 0

  beforeAll(async () => {
    fixture = await startTestBroker({}, (end) => void resources.defer(end))
    const clock = { ...SYSTEM_RUNTIME.clock, now: () => Date.now() - 5000 }
    elsewhere = await openStore(fixture.config, { ...SYSTEM_RUNTIME, clock }, 'command')
    resources.defer(() => elsewhere.close())
  })

  afterAll(() => resources.disposeAsync())

  async function signedIn(groups = ['admins']) {
    const name = `admin${made++}`
    await fixture.addUser(name, groups)
    await fixture.enrol(name)
    const client = new FormClient(fixture.url)
    await client.get('/')
    await client.post('/sign-in', { name, password: PASSWORD })
    await client.post('/code', { code: fixture.code() })
    const api = async () => {
      const { status, json } = await ask(`${fixture.url}/api/v1/me`, { headers: { cookie: client.cookie } })
      return { status, scopes: [json.scopes ?? []].flat().length }
    }
    expect((await api()).status).toBe(200)
    return { name, client, api }
  }

  test.each([
    ['disabled', { enabled: false }],
    ['given a new password', { passwordHash: 'another' }],
    ['given an end', { expiresAt: 1 }],
  ])('is signed out by another process that has the user %s', async (_what, change) => {
    const { name, client, api } = await signedIn()
    await elsewhere.records.users.change(name, change)
    expect((await api()).status).toBe(401)
    expect(headingOf(await client.get('/'))).toBe('Sign in')
    expect(headingOf(await client.get('/desk'))).toBe('Sign in')
  })

  test('is signed out by the API that sets an end', async () => {
    const { name, api } = await signedIn()
    const json = { expiresAt: '2020-01-01T00:00:00Z', reason }
    const token = await fixture.token()
    expect((await ask(`${fixture.url}/api/v1/users/${name}`, { token, method: 'PATCH', json })).status).toBe(
      200,
    )
    expect((await api()).status).toBe(401)
  })

  test('has the roles of the groups that the user has now', async () => {
    const { name, client, api } = await signedIn(['staff'])
    const before = await api()
    expect(before.scopes).toBe(0)
    await elsewhere.records.users.change(name, { groups: ['admins'] })
    expect((await api()).scopes).toBeGreaterThan(8)
    await elsewhere.records.users.change(name, { groups: ['staff'] })
    expect((await api()).scopes).toBe(0)
    expect(headingOf(await client.get('/'))).toBe('Your account')
  })
})

describe('the help desk', () => {
  test('revokes and invites users, and no administrator, for whom the desk does not offer it', async () => {
    const fixture = await startTestBroker()
    for (const [name, groups] of [
      ['helen', ['helpdesk']],
      ['adam', ['admins']],
      ['bob', []],
    ] as const) {
      await fixture.addUser(name, groups)
      await fixture.enrol(name)
    }
    const client = new FormClient(fixture.url)
    await client.get('/')
    await client.post('/sign-in', { name: 'helen', password: PASSWORD })
    await client.post('/code', { code: fixture.code() })
    const hasAuthenticator = async (name: string) =>
      (await fixture.records.enrolments.ofSubject(name))[0] !== undefined
    for (const [name, may] of [
      ['adam', false],
      ['bob', true],
    ] as const) {
      const page = (await client.get(`/desk/users/${name}?tab=authenticators`)).text
      expect([name, page.includes('/desk/users/revoke')]).toEqual([name, may])
      expect([name, page.includes('/desk/users/invite')]).toEqual([name, may])
      const invited = await client.post('/desk/users/invite', { name, for: '3600000', reason })
      expect([name, invited.status]).toEqual([name, may ? 200 : 403])
      await client.post('/desk/users/revoke', { name, subject: name, reason })
      expect([name, await hasAuthenticator(name)]).toEqual([name, !may])
    }
    const released = async (scopes: readonly Scope[]) => {
      const token = await fixture.token(scopes)
      const ids = await Promise.all(['adam', 'bob'].map((name) => lockedOut(fixture, name)))
      const { json } = await ask(`${fixture.url}/api/v1/lockouts/release`, { token, json: { ids, reason } })
      const single = `${fixture.url}/api/v1/lockouts/${ids[0]}/release`
      const { status } = await ask(single, { token, json: { reason } })
      const done = (json.released as unknown as string[]).map((id) => ids.indexOf(id))
      return [done.toSorted(), json.left, status, ids[0]]
    }
    const [own, left, status, ofAdam] = await released(['lockouts:write'])
    expect([own, left, status]).toEqual([[1], [{ id: ofAdam, why: 'forbidden' }], 403])
    expect((await released(SCOPES)).slice(0, 3)).toEqual([[0, 1], [], 409])
    const token = await fixture.token(['enrolments:write'])
    for (const [path, json] of [
      ['/enrolments/adam/revoke', { reason }],
      ['/enrolments/adam/recovery-codes', { reason }],
      ['/pending-enrolments', { user: 'adam' }],
    ] as const)
      expect([path, (await ask(`${fixture.url}/api/v1${path}`, { token, json })).status]).toEqual([path, 403])
    expect(await hasAuthenticator('adam')).toBe(true)
  })
})

describe('the authenticator of a removed local user', () => {
  test('stays where users:write alone removes the user, and goes with an event otherwise', async () => {
    const fixture = await startTestBroker()
    const remove = async (name: string, token: string) => {
      await fixture.addUser(name)
      await fixture.enrol(name)
      const path = `/api/v1/users/${name}?reason=left`
      expect((await ask(`${fixture.url}${path}`, { token, method: 'DELETE' })).status).toBe(204)
      const events = await fixture.records.audit.list({ user: name, limit: 10 })
      return {
        isKept: (await fixture.records.enrolments.ofSubject(name))[0] !== undefined,
        events: events.map(({ kind }) => kind).toSorted(),
      }
    }
    expect(await remove('bob', await fixture.token(['users:write']))).toEqual({
      isKept: true,
      events: ['user.removed'],
    })
    expect(await remove('carol', await fixture.token(['users:write', 'enrolments:write']))).toEqual({
      isKept: false,
      events: ['enrolment.revoked', 'user.removed'],
    })
  })
})

async function lockedOut({ records }: TestBroker, user: string): Promise<string> {
  const by = { by: 'tests', reason, since: Date.now() }
  return (await records.lockouts.lock({ id: systemRandom.id(), scope: 'user', user, ...by })).id
}
