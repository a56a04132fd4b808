import { generateSync } from 'otplib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Attr, Code } from '../../src/radius/codes.ts'
import { first } from '../../src/radius/packet.ts'
import { ask } from '../http/ask.ts'
import { openBrokerHouse, PASSWORD } from '../http/broker-house.ts'
import { FormClient, headingOf, keyOn, problemOn } from '../http/form-client.ts'
import { SECRET, upstreamPeer } from '../identity/upstream-peer.ts'
import { startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { startRedis } from '../real/redis.ts'

const words = (text: string) => ({ type: Attr.ReplyMessage, value: Buffer.from(text) })
const state = (text: string) => ({ type: Attr.State, value: Buffer.from(text) })

test('an identity store that asks something itself is answered on a page of its own', async () => {
  const peer = await upstreamPeer(({ packet, reply, send }) => {
    const asked = first(packet, Attr.State)?.toString()
    if (asked === undefined) send(reply(Code.AccessChallenge, [state('one'), words('Which <b>PIN</b>?')]))
    else if (asked === 'one') send(reply(Code.AccessChallenge, [state('two'), words('And the next PIN?')]))
    else send(reply(Code.AccessAccept))
  })
  const server = { host: '127.0.0.1', port: peer.port, secret: SECRET, status_server: false }
  const house = await openBrokerHouse({
    identity: { order: ['up'], up: { type: 'radius', servers: [server] } },
  })
  const client = new FormClient(house.url)
  await client.get('/')
  const one = await client.post('/sign-in', { name: 'bob', password: PASSWORD })
  expect(headingOf(one)).toBe('Enter your code')
  expect(one.text).toMatch(/Which .*PIN.*\?/)
  expect(one.text).not.toContain('<b>')
  expect(one.text).toContain('type="password"')
  // The question is still there on a page that is loaded anew.
  expect((await client.get('/')).text).toMatch(/Which .*PIN.*\?/)
  const two = await client.post('/code', { code: '1234' })
  expect(two.text).toContain('And the next PIN?')
  const shown = await client.post('/code', { code: '5678' })
  const key = keyOn(shown) ?? expect.unreachable('there is no key')
  const done = await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
  expect(headingOf(done)).toBe('Save your recovery codes')
})

test('a locked user reads no more than a wrong password brings where the operator wants that', async () => {
  const house = await openBrokerHouse({ lockout: { after: 3, tell_user: false } })
  await house.addUser('alice')
  const client = new FormClient(house.url)
  await client.get('/')
  const said = new Set<string>()
  for (const password of ['a', 'b', 'c', 'd', PASSWORD]) {
    const told = await client.post('/sign-in', { name: 'alice', password })
    said.add(`${told.status} ${problemOn(told)}`)
  }
  expect([...said]).toEqual(['422 The user name or the password is wrong.'])
})

test('an outage is called one, and is no guess', async () => {
  const house = await openBrokerHouse({
    radius: { auth_port: 0, acct_port: 0, deadline: '500ms' },
    identity: {
      order: ['up'],
      up: { type: 'radius', servers: [{ host: '127.0.0.1', port: await freePort(), secret: SECRET }] },
    },
  })
  const client = new FormClient(house.url)
  await client.get('/')
  for (let guess = 0; guess < 6; guess++) {
    const told = await client.post('/sign-in', { name: 'bob', password: PASSWORD })
    expect([told.status, problemOn(told)]).toEqual([
      503,
      'Signing in is not possible right now. Try again in a moment.',
    ])
  }
  expect(await house.records.lockouts.list({ limit: 9 })).toEqual([])
})

test('what pages load is kept for ever under a name that changes with it', async () => {
  const house = await openBrokerHouse()
  const { text } = await ask(house.url, { headers: { accept: 'text/html' } })
  const assets = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '')
  expect(new Set(assets).size).toBe(3)
  for (const path of assets) {
    expect(path).toMatch(/\.[0-9a-f]{12}\.(css|js|svg)$/)
    const { status, headers } = await ask(house.url + path)
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(headers).not.toHaveProperty('set-cookie')
    expect((await ask(house.url + path.replace(/[0-9a-f]{12}/, '0'.repeat(12)))).status).toBe(404)
  }
})

test('a client that is no browser is told in JSON', async () => {
  const house = await openBrokerHouse()
  const { status, json } = await ask(`${house.url}/nowhere`)
  expect([status, json.type]).toEqual([404, 'urn:ocbroker:problem:not-found'])
})

describeWith(['redis-server', 'redis-cli'], 'an enrolment that is begun again and again', () => {
  test('keeps one key at a time, and none when it is cancelled', async () => {
    const redis = await startRedis()
    onTestFinished(redis.stop)
    const house = await openBrokerHouse({ redis: { url: `redis://127.0.0.1:${redis.port}` } })
    await house.addUser('alice')
    const client = new FormClient(house.url)
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
  const house = await openBrokerHouse({ limits: { user: '3/10m' } })
  await house.addUser('alice')
  const told: (string | undefined)[] = []
  for (let sign = 0; sign < 4; sign++) {
    const client = new FormClient(house.url)
    await client.get('/')
    told.push(headingOf(await client.post('/sign-in', { name: 'alice', password: PASSWORD })))
  }
  expect(told).toEqual([...Array(3).fill('Connect your authenticator app'), 'Sign in'])
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
      stderr: 'no identity store knows nobody\n',
    })
    await broker.run(['user', 'add', 'alice', '--password-stdin'], { input: `${PASSWORD}\n` })
    for (const duration of ['31d', '0s', 'soon'])
      expect(await broker.run(['invite', 'alice', '--for', duration])).toMatchObject({
        code: 1,
        stderr: `--for: "${duration}" is no duration up to 30d; write 24h, say\n`,
      })
  })
})
