import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { translator } from '../../src/i18n/messages.ts'
import { type UpstreamRadiusOptions, upstreamRadiusIdentity } from '../../src/identity/radius/provider.ts'
import type { Decision } from '../../src/login/flow.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { replyTo } from '../../src/transport/reply.ts'
import { createLoginFixture, silentLog } from '../login/fixture.ts'
import { install } from '../real/broker.ts'
import { awayFromTheEdge } from '../real/code-step.ts'
import { type Freeradius, startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import type { Attribute } from '../real/radclient.ts'

const SECRET = 'between broker and upstream'
const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const REPLY: readonly Attribute[] = [
  ['Framed-IP-Address', '10.8.0.77'],
  ['Framed-Route', '10.0.0.0/8'],
  ['Framed-Route', '172.20.0.0/16'],
  ['Class', 'OU=staff;admins'],
  ['Filter-Id', 'vpn'],
  ['Session-Timeout', 3600],
  ['Idle-Timeout', 60],
]
const USERS = [
  { name: 'bob', password: 'Grüße, 密码', reply: REPLY },
  { name: 'eve', password: 'first', totpSecret: TOTP_SECRET, reply: REPLY },
  { name: 'asks', password: 'first', questions: 5, reply: REPLY },
  { name: 'asks-on', password: 'first', questions: 20, reply: REPLY },
]

describeWith(['freeradius'], 'users of an upstream FreeRADIUS', () => {
  const resources = new AsyncDisposableStack()
  let one: Freeradius
  let two: Freeradius

  beforeAll(async () => {
    for (const keep of [(server: Freeradius) => (one = server), (server: Freeradius) => (two = server)]) {
      const server = await startFreeradius({ secret: SECRET, users: USERS, signsReplies: true })
      resources.defer(server.stop)
      keep(server)
    }
  })

  afterAll(() => resources.disposeAsync())

  const at = ({ authPort }: Freeradius, secret = SECRET) => ({
    host: '127.0.0.1',
    port: authPort,
    secret: new Secret(secret),
  })

  function store(options: Partial<UpstreamRadiusOptions> = {}) {
    const upstream = upstreamRadiusIdentity({
      name: 'corp',
      servers: [at(one)],
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      reply: {
        attributes: ['Framed-IP-Address', 'Framed-Route', 'Session-Timeout'],
        groupsFrom: ['Filter-Id', 'Class'],
      },
      ...options,
    })
    onTestFinished(() => upstream.close())
    return {
      ...upstream,
      ask: (name: string, password: string, ms = 3000) =>
        upstream.authenticate(name, new Secret(password), systemClock.monotonic() + ms),
    }
  }

  test('are right with what the allow list lets through', async () => {
    expect(await store().ask('bob', 'Grüße, 密码')).toEqual({
      kind: 'right',
      account: {
        groups: ['staff', 'admins', 'vpn'],
        attributes: {
          ipv4: '10.8.0.77',
          routes: ['10.0.0.0/8', '172.20.0.0/16'],
          sessionTimeout: 3600,
        },
      },
    })
  })

  test('are wrong with a wrong password, and with an unknown name', async () => {
    expect(await store().ask('bob', 'wrong')).toMatchObject({ kind: 'wrong' })
    expect(await store().ask('mallory', 'wrong')).toMatchObject({ kind: 'wrong' })
  })

  test('are out of reach with another secret, which FreeRADIUS does not answer', async () => {
    const upstream = store({ servers: [at(one, 'another')] })
    await expect(upstream.ask('bob', 'Grüße, 密码', 300)).rejects.toThrow(
      /no answer .* does not know this client or its secret/,
    )
    await expect(upstream.checkReady(systemClock.monotonic() + 300)).rejects.toBeInstanceOf(Unavailable)
  })

  test('are out of reach where replies have no Message-Authenticator, unless that was allowed', async () => {
    const old = await startFreeradius({ secret: SECRET, users: USERS })
    onTestFinished(old.stop)
    await expect(store({ servers: [at(old)] }).ask('bob', 'Grüße, 密码', 300)).rejects.toThrow(
      /its replies have no Message-Authenticator: let it sign them .* or set message_authenticator: off/,
    )
    const trusting = store({ servers: [{ ...at(old), requireMessageAuthenticator: false }] })
    expect(await trusting.ask('bob', 'Grüße, 密码')).toMatchObject({ kind: 'right' })
    await trusting.checkReady(systemClock.monotonic() + 1000)
  })

  test('keep a broker from starting with the advice that helps, where replies have no Message-Authenticator', async () => {
    const old = await startFreeradius({ secret: SECRET, users: USERS })
    onTestFinished(old.stop)
    const corp = { type: 'radius', servers: [{ host: '127.0.0.1', port: old.authPort, secret: SECRET }] }
    const installation = await install({ sections: { identity: { order: ['corp'], corp } } })
    onTestFinished(installation.remove)
    const { code, stdout, stderr } = await installation.run(['serve'])
    expect(code, stdout + stderr).toBe(1)
    expect(stderr).toContain('let it sign them')
    expect(stderr).toContain('message_authenticator: off')
    expect(stderr).not.toContain('required: false')
  })

  test('a hundred at a time each get their own answer', async () => {
    const upstream = store()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, number) => upstream.ask('bob', number % 2 === 0 ? 'Grüße, 密码' : 'x')),
    )
    expect(answers.map(({ kind }) => kind)).toEqual(
      answers.map((_, number) => (number % 2 === 0 ? 'right' : 'wrong')),
    )
  })

  test('are asked on the second server while the first one hangs, and on the first when it is back', async () => {
    const log = { ...silentLog, warn: vi.fn(), info: vi.fn() }
    const upstream = store({ servers: [at(one), at(two)], log, resendMs: 100, probeEveryMs: 100 })
    await upstream.checkReady(systemClock.monotonic() + 1000)
    one.process.signal('SIGSTOP')
    // Its threads stop one after another, and the last of them would answer.
    await sleep(200)
    try {
      expect(await upstream.ask('bob', 'Grüße, 密码', 1000)).toMatchObject({ kind: 'right' })
      expect(log.warn).toHaveBeenCalledWith('upstream.dead', {
        store: 'corp',
        server: `127.0.0.1:${one.authPort}`,
      })
      const startedAt = systemClock.monotonic()
      expect(await upstream.ask('bob', 'Grüße, 密码', 5000)).toMatchObject({ kind: 'right' })
      expect(systemClock.monotonic() - startedAt).toBeLessThan(1000)
      await upstream.checkReady(systemClock.monotonic() + 1000)
    } finally {
      one.process.signal('SIGCONT')
    }
    await vi.waitFor(() => expect(log.info).toHaveBeenCalledWith('upstream.back', expect.anything()))
    expect(await upstream.ask('bob', 'wrong')).toMatchObject({
      detail: expect.stringContaining(`127.0.0.1:${one.authPort}`),
    })
  })

  test('are asked on the second server when the first one has ended', async () => {
    const third = await startFreeradius({ secret: SECRET, users: USERS, signsReplies: true })
    const upstream = store({ servers: [at(third), at(two)] })
    await upstream.ask('bob', 'Grüße, 密码')
    await third.stop()
    const startedAt = systemClock.monotonic()
    expect(await upstream.ask('bob', 'Grüße, 密码', 5000)).toMatchObject({ kind: 'right' })
    expect(systemClock.monotonic() - startedAt).toBeLessThan(1000)
  })

  /** The broker's own steps, with FreeRADIUS where the identity store is. */
  async function broker() {
    const fixture = await createLoginFixture({
      required: false,
      policies: [{ name: 'staff', when: { groups: ['staff'] }, reply: { groups: ['staff'] } }],
    })
    const clock: Clock = { now: () => fixture.time.now, monotonic: () => fixture.time.monotonic }
    fixture.people.store = store({ clock })
    return {
      ...fixture,
      ask: (typed: string, state?: string) => fixture.login(typed, { user: 'eve', state }),
      failures: async () =>
        (await fixture.records.audit.list({ kinds: ['login.refused'], limit: 9 })).map(
          ({ detail }) => detail,
        ),
    }
  }

  /** What the gateway is sent: the code, the words for the user, and the State. */
  function sent(decision: Decision) {
    const { code, attributes } = replyTo(decision, { locale: 'en', tellLocked: false })
    const text = (type: number) => attributes.find((attribute) => attribute.type === type)?.value.toString()
    return { code, words: text(Attr.ReplyMessage), state: text(Attr.State) }
  }

  test("are asked FreeRADIUS' own question, and get in with its answer", async () => {
    // FreeRADIUS reads a coarser clock, and takes no code of a step that has not begun there.
    await awayFromTheEdge()
    const { ask, failures } = await broker()
    const challenge = sent(await ask('first'))
    expect(challenge).toMatchObject({ code: Code.AccessChallenge, words: 'Enter your code' })
    const again = sent(await ask('000000', challenge.state))
    expect(again).toMatchObject({ code: Code.AccessChallenge, words: 'Wrong code, enter the next one' })
    expect(again.state).not.toBe(challenge.state)
    expect(await failures(), 'the server counts for itself').toEqual([])
    const grant = await ask(generateSync({ secret: TOTP_SECRET }), again.state)
    expect(grant).toMatchObject({
      kind: 'grant',
      policy: 'staff',
      entitlement: { ipv4: '10.8.0.77', routes: ['10.0.0.0/8', '172.20.0.0/16'], sessionTimeout: 3600 },
    })
  })

  test.each([
    ['asks', 5],
    ['asks-on', 20],
  ])('who are asked %s: all %i questions get in, and are no failures', async (user, questions) => {
    const { login, failures } = await broker()
    let decision = await login('first', { user })
    for (let asked = 1; asked <= questions; asked += 1) {
      const { words, state } = sent(decision)
      expect(words).toBe(`Question ${asked}`)
      decision = await login(`answer ${asked}`, { user, state })
    }
    expect(decision).toMatchObject({ kind: 'grant' })
    expect(await failures()).toEqual([])
  })

  test('cannot answer a question twice, nor one that was put to somebody else', async () => {
    const { ask, login } = await broker()
    const { state } = sent(await ask('first'))
    const code = generateSync({ secret: TOTP_SECRET })
    expect(await login(code, { user: 'bob', state })).toMatchObject({ reason: 'challenge_mismatch' })
    expect(await ask(code, state)).toMatchObject({ reason: 'challenge_expired' })
  })

  test('who have an authenticator of the broker as well are asked for its code after that', async () => {
    await awayFromTheEdge()
    const { ask, enrol, code } = await broker()
    await enrol('eve')
    const { state } = sent(await ask('first'))
    const second = sent(await ask(generateSync({ secret: TOTP_SECRET }), state))
    expect(second).toMatchObject({ code: Code.AccessChallenge, words: translator('en')('vpn.enterCode') })
    expect(await ask(code(), second.state)).toMatchObject({ kind: 'grant' })
  })
})
