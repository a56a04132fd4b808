import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Attr, Code } from '../../src/radius/codes.ts'
import { first } from '../../src/radius/packet.ts'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf, keyOn, problemOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker } from '../http/test-broker.ts'
import { SECRET, upstreamPeer } from '../identity/upstream-peer.ts'
import { startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { startRedis } from '../real/redis.ts'

const words = (text: string) => ({ type: Attr.ReplyMessage, value: Buffer.from(text) })
const state = (text: string) => ({ type: Attr.State, value: Buffer.from(text) })

test('the question of an identity store is answered on its own page', async () => {
  const peer = await upstreamPeer(({ packet, reply, send }) => {
    const asked = first(packet, Attr.State)?.toString()
    if (asked === undefined) send(reply(Code.AccessChallenge, [state('one'), words('Which <b>PIN</b>?')]))
    else if (asked === 'one') send(reply(Code.AccessChallenge, [state('two'), words('And the next PIN?')]))
    else send(reply(Code.AccessAccept))
  })
  const server = { host: '127.0.0.1', port: peer.port, secret: SECRET, status_server: false }
  const fixture = await startTestBroker({
    identity: { order: ['up'], up: { type: 'radius', servers: [server] } },
  })
  const client = new FormClient(fixture.url)
  await client.get('/')
  const one = await client.post('/sign-in', { name: 'bob', password: PASSWORD })
  expect(headingOf(one)).toBe('Enter your code')
  expect(one.text).toMatch(/Which .*PIN.*\?/)
  expect(one.text).not.toContain('<b>')
  expect(one.text).toContain('type="password"')
  // The question is still there after a reload.
  expect((await client.get('/')).text).toMatch(/Which .*PIN.*\?/)
  const two = await client.post('/code', { code: '1234' })
  expect(two.text).toContain('And the next PIN?')
  const shown = await client.post('/code', { code: '5678' })
  const key = keyOn(shown) ?? expect.unreachable('there is no key')
  const done = await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
  expect(headingOf(done)).toBe('Save your recovery codes')
})

test('with tell_user off a locked user reads the same as after a wrong password', async () => {
  const fixture = await startTestBroker({ lockout: { after: 3, tell_user: false } })
  await fixture.addUser('alice')
  const client = new FormClient(fixture.url)
  await client.get('/')
  const said = new Set<string>()
  for (const password of ['a', 'b', 'c', 'd', PASSWORD]) {
    const answer = await client.post('/sign-in', { name: 'alice', password })
    said.add(`${answer.status} ${problemOn(answer)}`)
  }
  expect([...said]).toEqual(['422 The user name or the password is wrong.'])
})

test('an outage is reported as one, and does not count as a guess', async () => {
  const fixture = await startTestBroker({
    radius: { auth_port: 0, acct_port: 0, deadline: '500ms' },
    identity: {
      order: ['up'],
      up: { type: 'radius', servers: [{ host: '127.0.0.1', port: await freePort(), secret: SECRET }] },
    },
  })
  const client = new FormClient(fixture.url)
  await client.get('/')
  for (let guess = 0; guess < 6; guess++) {
    const answer = await client.post('/sign-in', { name: 'bob', password: PASSWORD })
    expect([answer.status, problemOn(answer)]).toEqual([
      503,
      'You cannot sign in right now. Try again in a moment.',
    ])
  }
  expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
})

test('assets are cached for a year under an address that changes with their content', async () => {
  const fixture = await startTestBroker()
  const { text } = await ask(fixture.url, { headers: { accept: 'text/html' } })
  const assets = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '')
  expect(new Set(assets).size).toBe(4)
  for (const path of assets) {
    expect(path).toMatch(/^\/assets\/[0-9a-f]{12}\/[\w.]+\.(css|js|svg)$/)
    const { status, headers } = await ask(fixture.url + path)
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(headers).not.toHaveProperty('set-cookie')
    expect((await ask(fixture.url + path.replace(/[0-9a-f]{12}/, '0'.repeat(12)))).status).toBe(404)
  }
})

test('a client that does not accept HTML gets JSON', async () => {
  const fixture = await startTestBroker()
  const { status, json } = await ask(`${fixture.url}/nowhere`)
  expect([status, json.type]).toEqual([404, 'urn:ocbroker:problem:not-found'])
})

describeWith(['redis-server', 'redis-cli'], 'an enrolment that is begun again and again', () => {
  test('keeps one key at a time, and none when it is cancelled', async () => {
    const redis = await startRedis()
    onTestFinished(redis.stop)
    const fixture = await startTestBroker({ redis: { url: `redis://127.0.0.1:${redis.port}` } })
    await fixture.addUser('alice')
    const client = new FormClient(fixture.url)
    await client.get('/')
    await client.post('/sign-in', { name: 'alice', password: PASSWORD })
    const pending = async () =>
      [...(await redis.expiries()).keys()].filter((key) => key.includes('pending-enrolments')).length
    expect(await pending()).toBe(1)
    await Promise.all(Array.from({ length: 20 }, () => client.postOnly('/enrol/begin')))
    expect(await pending()).toBe(1)
    const key = keyOn(await client.get('/enrol')) ?? expect.unreachable('there is no key')
    await client.post('/enrol/cancel')
    expect(await pending()).toBe(0)
    expect((await client.get('/')).text).not.toContain(key)
  })
})

test('a password alone begins no more enrolments than its user may try to sign in', async () => {
  const fixture = await startTestBroker({ limits: { user: '3/10m' } })
  await fixture.addUser('alice')
  const headings: (string | undefined)[] = []
  for (let sign = 0; sign < 4; sign++) {
    const client = new FormClient(fixture.url)
    await client.get('/')
    headings.push(headingOf(await client.post('/sign-in', { name: 'alice', password: PASSWORD })))
  }
  expect(headings).toEqual([...Array(3).fill('Connect your authenticator app'), 'Sign in'])
})

describe('ocbroker invite', () => {
  test('prints a code that enrols the user, once, and says so in the audit trail', async () => {
    const port = await freePort()
    const broker = await startBroker({
      sections: { http: { port }, portal: { public_url: `http://127.0.0.1:${port}` } },
    })
    onTestFinished(broker.stop)
    await broker.run(['user', 'add', 'alice', '--password-stdin'], { input: `${PASSWORD}\n` })
    const { code: exit, stdout } = await broker.run(['invite', 'Alice', '--for', '2h'])
    expect(exit).toBe(0)
    const [code = ''] = /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/m.exec(stdout) ?? []
    expect(stdout).toContain(`http://127.0.0.1:${port}/enrol`)
    const client = new FormClient(`http://127.0.0.1:${port}`)
    await client.get('/enrol')
    const shown = await client.post('/enrol/code', { name: 'alice', code })
    const key = keyOn(shown) ?? expect.unreachable('there is no key')
    const done = await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    expect(headingOf(done)).toBe('Save your recovery codes')
    expect(await broker.ocbroker(['audit', '--user', 'alice'])).toMatchObject([
      { kind: 'enrolment.made', detail: 'by invitation' },
      { kind: 'login.accepted' },
      { kind: 'invitation.made', actor: expect.stringMatching(/\(command line\)$/) },
      { kind: 'user.added' },
    ])
  })

  test('says what is wrong with a name or a duration', async () => {
    const broker = await startBroker()
    onTestFinished(broker.stop)
    expect(await broker.run(['invite', 'nobody'])).toMatchObject({
      code: 1,
      stderr: 'nobody: not invited: no identity store knows this name\n',
    })
    await broker.run(['user', 'add', 'alice', '--password-stdin'], { input: `${PASSWORD}\n` })
    for (const duration of ['31d', '0s', 'soon'])
      expect(await broker.run(['invite', 'alice', '--for', duration])).toMatchObject({
        code: 1,
        stderr: `--for: "${duration}" is not a duration up to 30d; write 24h, say\n`,
      })
  })
})
