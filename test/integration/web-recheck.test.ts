import { expect, onTestFinished, test } from 'vitest'
import { type Ask, ask } from '../http/ask.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import { SASLAUTHD_NEEDS, startSaslauthd } from '../real/saslauthd.ts'
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

const RECHECK_S = 6
/** A busy machine may take a while for one request. */
const PATIENCE = { timeout: 3000 * RECHECK_S, interval: 100 }

async function brokerWith(corp: Readonly<Record<string, unknown>>): Promise<TestBroker> {
  return startTestBroker({
    http: { sessions: { recheck: `${RECHECK_S}s` }, roles: { admin: ['admins'] } },
    identity: { order: ['local', 'corp'], corp },
  })
}

async function signedIn(fixture: TestBroker, name: string) {
  await fixture.enrol(name)
  const client = new FormClient(fixture.url)
  await client.get('/')
  await client.post('/sign-in', { name, password: PASSWORD })
  await client.post('/code', { code: fixture.code() })
  const page = await client.get('/')
  expect(headingOf(page)).toBe('Your account')
  const api = (path: string, more: Ask = {}) => {
    const headers = { cookie: client.cookie, origin: fixture.url, 'x-csrf-token': client.csrf }
    return ask(`${fixture.url}/api/v1${path}`, { ...more, headers })
  }
  let made = 0
  return {
    client,
    /** 200 where signed in, and otherwise 401. */
    read: async () => (await api('/me')).status,
    rights: async () => [(await api('/me')).json.scopes ?? []].flat().length,
    write: async () => (await api('/users', { json: { name: `made${made++}`, reason: 'tests' } })).status,
  }
}

describeWith(SLAPD_NEEDS, 'a signed-in browser of a directory user', () => {
  async function fixtureOf() {
    const slapd = await startSlapd({
      entries: [
        ...['adam', 'eve'].map((name) => person(name, PASSWORD)),
        group('admins', [personDn('adam'), personDn('eve')]),
      ],
    })
    onTestFinished(slapd.stop)
    const corp = {
      type: 'ldap',
      urls: [slapd.url],
      bind_dn: ADMIN,
      bind_password: ADMIN_PASSWORD,
      user_base: PEOPLE,
      groups: { sources: [{ kind: 'members', base: GROUPS }] },
    }
    return { slapd, fixture: await brokerWith(corp) }
  }

  test('loses the role of a group that was taken away, and is signed out once the entry is gone', async () => {
    const { slapd, fixture } = await fixtureOf()
    const { client, read, write, rights } = await signedIn(fixture, 'adam')
    expect(await write()).toBe(201)
    const dn = `cn=admins,${GROUPS}`
    await slapd.modify(`dn: ${dn}\nchangetype: modify\ndelete: member\nmember: ${personDn('adam')}\n`)
    await expect.poll(write, PATIENCE).toBe(403)
    expect(await rights()).toBe(0)
    expect(headingOf(await client.get('/'))).toBe('Your account')
    await slapd.modify(`dn: ${personDn('adam')}\nchangetype: delete\n`)
    await expect.poll(read, PATIENCE).toBe(401)
    expect(headingOf(await client.get('/'))).toBe('Sign in')
  })

  test('may read on for as long again while the directory is away, but not write, and is then over', async () => {
    const { slapd, fixture } = await fixtureOf()
    const { client, read, write } = await signedIn(fixture, 'adam')
    const other = await signedIn(fixture, 'eve')
    expect(await write()).toBe(201)
    await slapd.kill()
    await expect.poll(write, PATIENCE).toBe(503)
    expect(await read()).toBe(200)
    expect(await write()).toBe(503)
    // A sign-out is no write.
    await other.client.get('/')
    expect(headingOf(await other.client.post('/sign-out'))).toBe('Sign in')
    await expect.poll(read, PATIENCE).toBe(401)
    await slapd.start()
    expect(await read()).toBe(401)
    expect(headingOf(await client.get('/'))).toBe('Sign in')
  })
})

describeWith(SASLAUTHD_NEEDS, 'a signed-in browser of a PAM user', () => {
  test('must sign in again for a write when the password is older than that, and soon for reading', async () => {
    const daemon = await startSaslauthd(['paula', 'peter'].map((name) => ({ name, password: PASSWORD })))
    onTestFinished(daemon.stop)
    const { socket, service } = daemon
    // The account files are those of this machine, which does not have them.
    const fixture = await brokerWith({ type: 'pam', socket, service, unknown: 'never' })
    const writing = await signedIn(fixture, 'peter')
    const reading = await signedIn(fixture, 'paula')
    // He has no role.
    expect(await writing.write()).toBe(403)
    await expect.poll(writing.write, PATIENCE).toBe(401)
    expect(await reading.read()).toBe(200)
    await expect.poll(reading.read, PATIENCE).toBe(401)
    expect(headingOf(await reading.client.get('/'))).toBe('Sign in')
  })
})

describeWith(['freeradius'], 'a signed-in browser of a user of an upstream RADIUS server', () => {
  test('must sign in again for a write when the password is older than that', async () => {
    const secret = 'between broker and upstream'
    const reply = [['Filter-Id', 'admins']] as const
    const users = [{ name: 'rita', password: PASSWORD, reply }]
    const upstream = await startFreeradius({ secret, users, signsReplies: true })
    onTestFinished(upstream.stop)
    const servers = [{ host: '127.0.0.1', port: upstream.authPort, secret }]
    const fixture = await brokerWith({ type: 'radius', servers, groups_from: ['Filter-Id'] })
    const { client, write } = await signedIn(fixture, 'rita')
    expect(await write()).toBe(201)
    await expect.poll(write, PATIENCE).toBe(401)
    expect(headingOf(await client.get('/'))).toBe('Sign in')
  })
})
