import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Inviting } from '../../src/manage/inviting.ts'
import { ask, type HttpAnswer } from '../http/ask.ts'
import { FormClient, headingOf, keyOn, problemOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, startChromium } from '../real/chromium.ts'
import { awayFromTheEdge } from '../real/code-step.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { ask as askGateway, loginRequest } from '../real/radius-socket.ts'

const SECRET = 'between-gateway-and-broker'
/** Every form of the portal, with fields that would have an effect if it were accepted. */
const FORMS: readonly [path: string, fields: Readonly<Record<string, string>>][] = [
  ['/sign-in', { name: 'alice', password: PASSWORD }],
  ['/code', { code: '000000' }],
  ['/sign-out', {}],
  ['/sign-out-everywhere', {}],
  ['/enrol/code', { name: 'alice', code: 'abcd-efgh' }],
  ['/enrol/begin', {}],
  ['/enrol/confirm', { code: '000000' }],
  ['/enrol/cancel', {}],
  ['/recovery-codes/saved', { saved: 'yes' }],
  ['/authenticator/add', { name: 'Tablet', code: '000000' }],
  ['/authenticator/rename', { id: '1', name: 'Tablet' }],
  ['/authenticator/replace', { code: '000000' }],
  ['/authenticator/remove', { code: '000000' }],
  ['/authenticator/recovery-codes', { code: '000000' }],
  ['/attempts/answer', { address: '198.51.100.7', answer: 'no' }],
  ['/password', { password: 'another long one', again: 'another long one', code: '000000' }],
]
const NO_LOCKOUTS = { after: 999, user_after: 999, address_after: 999, hard_after: 999 }

/** A fixture whose logins enrol, with the portal where its prompts say that it is. */
async function enrollingFixture(more: Readonly<Record<string, unknown>> = {}, defer = onTestFinished) {
  const port = await freePort()
  return startTestBroker(
    {
      http: { port },
      portal: { public_url: `http://127.0.0.1:${port}` },
      second_factor: { enrol_at_login: true },
      ...more,
    },
    defer,
  )
}

/** Logs in at a gateway. */
const login = (fixture: TestBroker, user: string, password: string, state?: Buffer) =>
  askGateway(fixture.authPort, loginRequest({ secret: SECRET, user, password, state, from: '127.0.0.1' }))

async function withPassword(fixture: TestBroker, user: string): Promise<FormClient> {
  const client = new FormClient(fixture.url)
  await client.get('/')
  await client.post('/sign-in', { name: user, password: PASSWORD })
  return client
}

async function signedIn(fixture: TestBroker, user: string): Promise<FormClient> {
  const client = await withPassword(fixture, user)
  await client.post('/code', { code: fixture.code() })
  expect(headingOf(await client.get('/'))).toBe('Your account')
  return client
}

describe('a form of the portal', () => {
  let fixture: TestBroker
  const resources = new AsyncDisposableStack()

  beforeAll(async () => {
    fixture = await startTestBroker({ lockout: NO_LOCKOUTS }, (end) => void resources.defer(end))
    await fixture.addUser('alice')
    await fixture.enrol('alice')
  })

  afterAll(() => resources.disposeAsync())

  for (const [path, fields] of FORMS) {
    test(`${path} is refused without its token, with another's, and from another site`, async () => {
      const client = new FormClient(fixture.url)
      await client.get('/')
      const other = new FormClient(fixture.url)
      await other.get('/')
      const before = client.cookie
      for (const [forged, headers] of [
        [{ csrf: '' }, {}],
        [{ csrf: other.csrf }, {}],
        [{}, { origin: 'https://evil.example' }],
        [{}, { origin: 'null' }],
        [{}, { origin: undefined }],
        [{}, { 'sec-fetch-site': 'cross-site' }],
        [{}, { 'sec-fetch-site': 'same-site' }],
      ] as const) {
        const answer = await client.postOnly(path, { ...fields, ...forged }, headers)
        expect([answer.status, headingOf(answer)]).toEqual([403, 'The form was not accepted'])
      }
      expect(client.cookie).toBe(before)
      // The very same form is taken where nothing of it is forged.
      expect((await client.postOnly(path, fields)).status).not.toBe(403)
    })
  }

  test('answers nothing that a script or a frame of another site could use', async () => {
    const client = new FormClient(fixture.url)
    for (const path of ['/', '/enrol', '/done', '/nowhere', '/authenticator/remove']) {
      const { headers } = await client.get(path)
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['x-frame-options']).toBe('DENY')
      expect(headers['cross-origin-resource-policy']).toBe('same-origin')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['cache-control']).toBe('no-store')
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  test('is not taken by a method that follows a link', async () => {
    const client = new FormClient(fixture.url)
    for (const path of ['/sign-in', '/sign-out', '/enrol/confirm', '/recovery-codes/saved'])
      expect((await client.get(`${path}?name=alice&password=x&csrf=${client.csrf}`)).status).toBe(404)
  })

  test('never causes an error of the broker, whatever it contains', async () => {
    const client = new FormClient(fixture.url)
    await client.get('/')
    const odd = ['__proto__', 'constructor', '\u0000', '\ud800', 'a'.repeat(5000), '%', '<script>', '']
    for (const [path] of FORMS) {
      for (const value of odd) {
        await client.get('/')
        const fields = { name: value, password: value, code: value, [value]: value }
        const { status, text, headers } = await client.postOnly(path, { ...fields, csrf: client.csrf })
        expect(status, `${path} ${JSON.stringify(value)}`).toBeLessThan(500)
        if (headers['content-type']?.startsWith('text/html')) expect(text).not.toContain('<script>')
      }
      const { status } = await client.postOnly(`${path}`, { csrf: client.csrf, extra: 'x'.repeat(20_000) })
      expect(status).toBe(413)
    }
  })
})

describe('a session of the portal', () => {
  test('is never one that the browser brought along: each step up gets a new cookie', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    await fixture.enrol('alice')
    const attacker = new FormClient(fixture.url)
    await attacker.get('/')
    const planted = attacker.cookie
    const victim = new FormClient(fixture.url)
    victim.takeCookie(planted)
    await victim.get('/')
    expect(victim.cookie).toBe(planted)

    await victim.post('/sign-in', { name: 'alice', password: PASSWORD })
    const afterPassword = victim.cookie
    await victim.post('/code', { code: fixture.code() })
    const afterCode = victim.cookie
    expect(new Set([planted, afterPassword, afterCode]).size).toBe(3)
    expect(headingOf(await victim.get('/'))).toBe('Your account')
    for (const old of [planted, afterPassword]) {
      attacker.takeCookie(old)
      expect(headingOf(await attacker.get('/'))).toBe('Sign in')
    }
  })

  test('ends for good when its user signs out, here or everywhere', async () => {
    const fixture = await startTestBroker()
    for (const user of ['alice', 'bob']) {
      await fixture.addUser(user)
      await fixture.enrol(user)
    }
    const alice = await signedIn(fixture, 'alice')
    const { cookie } = alice
    await alice.post('/sign-out')
    const thief = new FormClient(fixture.url)
    thief.takeCookie(cookie)
    expect(headingOf(await thief.get('/'))).toBe('Sign in')

    const bob = await signedIn(fixture, 'bob')
    const elsewhere = new FormClient(fixture.url)
    elsewhere.takeCookie(bob.cookie)
    expect(headingOf(await elsewhere.get('/'))).toBe('Your account')
    await bob.post('/sign-out-everywhere')
    expect(headingOf(await elsewhere.get('/'))).toBe('Sign in')
  })

  test('has a cookie that no script, other site or plain connection gets, with TLS', async () => {
    const fixture = await startTestBroker({ http: { trusted_proxies: ['127.0.0.1'] } })
    const { headers } = await ask(fixture.url, {
      headers: { accept: 'text/html', 'x-forwarded-proto': 'https' },
    })
    expect(headers['set-cookie']?.[0]).toMatch(
      /^__Host-ocbroker=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
  })

  test('that ended without a sign-out says why, once, and what was typed is still there', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    await fixture.enrol('alice')
    const why = ({ text }: HttpAnswer) => /id="ending"><p>([^<]*)</.exec(text)?.[1]
    const alice = await signedIn(fixture, 'alice')
    expect(alice.cookie).toMatch(/ocbroker-seen=in\.\d{13}\.\d{13}\.[\w-]{22}$/)
    const elsewhere = new FormClient(fixture.url)
    elsewhere.takeCookie(alice.cookie)
    await elsewhere.get('/')
    await elsewhere.post('/sign-out-everywhere')
    expect(why(await elsewhere.get('/'))).toBeUndefined()
    expect(why(await alice.get('/desk'))).toMatch(/^You were signed out: from another browser/)
    expect(why(await alice.get('/'))).toBeUndefined()

    const now = Date.now()
    const [idle, absolute] = [now - 16 * 60_000, now - 9 * 3_600_000]
    for (const [seen, sentence] of [
      [`in.${idle}.${idle}`, 'You were signed out after 15 minutes without use.'],
      [`in.${absolute}.${now}`, 'You were signed out: a sign-in lasts 8 hours at most.'],
      [`code.${now}.${now}`, 'The sign-in took too long. Start again.'],
      ['in.<b>.1', undefined],
    ] as const) {
      const client = new FormClient(fixture.url)
      client.takeCookie(`ocbroker-seen=${seen}`)
      await client.get('/enrol')
      const page = await client.post('/code', { name: 'alice', code: '314159' })
      expect(why(page)).toBe(sentence)
      expect(page.text).toContain('name="name" value="alice"')
      expect(page.text).not.toContain('314159')
    }
  })

  test('asks for the present code before a change, and counts wrong ones', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    await fixture.enrol('alice')
    // The code that signs in is the one that is shown again below.
    await awayFromTheEdge(5000)
    const alice = await signedIn(fixture, 'alice')
    const before = (await fixture.records.enrolments.ofSubject('alice'))[0]
    for (const action of ['replace', 'remove', 'recovery-codes']) {
      const answer = await alice.post(`/authenticator/${action}`, { code: '000000' })
      expect([answer.status, problemOn(answer)]).toEqual([422, 'That code is wrong.'])
    }
    // Nor a code that has let somebody in before.
    const used = await alice.post('/authenticator/remove', { code: fixture.code() })
    expect(problemOn(used)).toBe('That code was used before. Wait for the next one.')
    // Neither is a page of the enrolment a way around it.
    expect(headingOf(await alice.post('/enrol/begin'))).toBe('Your account')
    expect((await fixture.records.enrolments.ofSubject('alice'))[0]).toEqual(before)
    const locked = await alice.post('/authenticator/remove', { code: '000000' })
    expect(problemOn(locked)).toBe('That code is wrong.')
    expect(problemOn(await alice.post('/authenticator/remove', { code: '000000' }))).toMatch(/Try again in/)
  })
})

describe('an enrolment at the portal', () => {
  async function begin(fixture: TestBroker, user: string): Promise<{ client: FormClient; key: string }> {
    const client = new FormClient(fixture.url)
    await client.get('/')
    const shown = await client.post('/sign-in', { name: user, password: PASSWORD })
    return { client, key: keyOn(shown) ?? expect.unreachable('there is no key') }
  }

  test('replaces no authenticator that was enrolled meanwhile', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    const slow = await begin(fixture, 'alice')
    const quick = await begin(fixture, 'alice')
    expect(slow.key).not.toBe(quick.key)
    const done = await quick.client.post('/enrol/confirm', { code: generateSync({ secret: quick.key }) })
    expect(headingOf(done)).toBe('Save your recovery codes')
    const mine = (await fixture.records.enrolments.ofSubject('alice'))[0]

    const late = await slow.client.post('/enrol/confirm', { code: generateSync({ secret: slow.key }) })
    // Every other browser was signed out, so this is the start.
    expect(headingOf(late)).toBe('Sign in')
    expect((await fixture.records.enrolments.ofSubject('alice'))[0]).toEqual(mine)
  })

  test('is confirmed by only one of two concurrent browsers', async () => {
    const fixture = await startTestBroker({ limits: { user: '100/1m' }, lockout: NO_LOCKOUTS })
    await fixture.addUser('alice')
    const startedAt = await Promise.all(Array.from({ length: 8 }, () => begin(fixture, 'alice')))
    const answers = await Promise.all(
      startedAt.map(({ client, key }) =>
        client.post('/enrol/confirm', { code: generateSync({ secret: key }) }),
      ),
    )
    const headings = answers.map(headingOf)
    expect(headings.filter((heading) => heading === 'Save your recovery codes')).toHaveLength(1)
  })

  test('shows the key until it is confirmed, and never again', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    const { client, key } = await begin(fixture, 'alice')
    expect(keyOn(await client.get('/enrol'))).toBe(key)
    const { cookie } = client
    const shown = await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    const [code = ''] = /[a-z2-9]{4}(-[a-z2-9]{4}){3}/.exec(shown.text) ?? []
    await client.post('/recovery-codes/saved', { saved: 'yes' })
    for (const path of ['/', '/enrol', '/done', '/authenticator/recovery-codes']) {
      const { text } = await client.get(path)
      expect(text).not.toContain(key)
      expect(text).not.toContain(code)
    }
    const old = new FormClient(fixture.url)
    old.takeCookie(cookie)
    expect(keyOn(await old.get('/enrol'))).toBeUndefined()
    const written = await fixture.log()
    for (const secret of [
      key,
      code,
      PASSWORD,
      client.csrf,
      /ocbroker=([^;]+)/.exec(client.cookie)?.[1] ?? '',
    ])
      expect(written).not.toContain(secret)
  })

  test('can be cancelled, and then leaves nothing behind', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    const { client, key } = await begin(fixture, 'alice')
    expect(headingOf(await client.post('/enrol/cancel'))).toBe('Sign in')
    await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    expect((await fixture.records.enrolments.ofSubject('alice'))[0]).toBeUndefined()
  })

  test('shows its recovery codes to its own browser alone, and no more when they are saved', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    const { client, key } = await begin(fixture, 'alice')
    const shown = await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    const [code = expect.unreachable('there is no code')] =
      /[a-z2-9]{4}(-[a-z2-9]{4}){3}/.exec(shown.text) ?? []
    const file = await client.get('/recovery-codes/file')
    expect(file.headers['content-disposition']).toBe('attachment; filename=recovery-codes.txt')
    expect(file.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(file.text).toContain(code)
    const stranger = new FormClient(fixture.url)
    await stranger.get('/')
    for (const path of ['/recovery-codes', '/recovery-codes/file'])
      expect(headingOf(await stranger.get(path))).toBe('Sign in')
    // Nothing is lost by a form without the tick.
    expect((await client.post('/recovery-codes/saved')).text).toContain(code)
    expect(headingOf(await client.post('/recovery-codes/saved', { saved: 'yes' }))).toBe('All done')
    for (const path of ['/recovery-codes', '/recovery-codes/file'])
      expect(headingOf(await client.get(path))).toBe('Your account')
  })
})

describe('an enrolment code of a VPN prompt', () => {
  const codeIn = (message: string | undefined) =>
    /[A-Z2-9]{4}-[A-Z2-9]{4}/.exec(message ?? '')?.[0] ?? expect.unreachable(`no code in: ${message}`)

  test('enrols its user once, and the code of the app completes the waiting login', async () => {
    const fixture = await enrollingFixture()
    await fixture.addUser('alice')
    const challenge = await login(fixture, 'alice', PASSWORD)
    expect(challenge?.message).toContain(`Open ${fixture.url}/enrol and enter the code `)
    const client = new FormClient(fixture.url)
    await client.get('/enrol')
    const shown = await client.post('/enrol/code', { name: 'alice', code: codeIn(challenge?.message) })
    const key = keyOn(shown) ?? ''
    // It allows its user to enrol; nothing else can be seen or done with it.
    for (const path of ['/', '/authenticator/remove', '/authenticator/recovery-codes'])
      expect(headingOf(await client.get(path))).toBe('Connect your authenticator app')
    const done = await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
    expect(headingOf(done)).toBe('Save your recovery codes')
    // It is for the recovery codes alone, and begins no other enrolment.
    expect(headingOf(await client.post('/enrol/begin'))).toBe('Save your recovery codes')
    await client.post('/recovery-codes/saved', { saved: 'yes' })
    expect(headingOf(await client.get('/'))).toBe('Sign in')

    const next = generateSync({ secret: key, epoch: Math.floor(Date.now() / 1000) + 30 })
    const accepted = await login(fixture, 'alice', next, challenge?.state)
    expect(accepted?.code).toBe('Access-Accept')
    const events = await fixture.records.audit.list({ user: 'alice', limit: 9 })
    expect(events.map(({ kind, detail }) => `${kind} ${detail}`)).toEqual([
      'login.accepted policy everyone, local, totp',
      'enrolment.made within a VPN login',
      'login.accepted signed in, enrolment ticket from login, none',
      'login.challenged local: first factor right',
    ])
    expect(await fixture.log()).not.toContain(codeIn(challenge?.message))
  })

  test('is accepted from one of many concurrent browsers, and from none after that', async () => {
    const fixture = await enrollingFixture({ lockout: NO_LOCKOUTS })
    await fixture.addUser('alice')
    const code = codeIn((await login(fixture, 'alice', PASSWORD))?.message)
    const clients = Array.from({ length: 8 }, () => new FormClient(fixture.url))
    await Promise.all(clients.map((client) => client.get('/enrol')))
    const shown = await Promise.all(
      clients.map((client) => client.post('/enrol/code', { name: 'alice', code })),
    )
    expect(shown.filter((page) => keyOn(page) !== undefined)).toHaveLength(1)
    const [late] = clients
    expect((await late?.post('/enrol/code', { name: 'alice', code }))?.status).not.toBe(200)
  })

  test('is only shown after the right password, and only to those whom a policy lets in', async () => {
    const fixture = await enrollingFixture({
      policies: [
        { name: 'out', when: { groups: ['out'] }, deny: true },
        { name: 'no', when: { groups: ['no'] }, enrol_at_login: false, reply: {} },
        { name: 'rest', reply: {} },
      ],
    })
    await fixture.addUser('alice')
    await fixture.addUser('outsider', ['out'])
    await fixture.addUser('excepted', ['no'])
    expect((await login(fixture, 'alice', 'wrong'))?.code).toBe('Access-Reject')
    expect((await login(fixture, 'nobody', PASSWORD))?.code).toBe('Access-Reject')
    expect((await login(fixture, 'outsider', PASSWORD))?.code).toBe('Access-Reject')
    expect((await login(fixture, 'excepted', PASSWORD))?.code).toBe('Access-Reject')
    expect((await login(fixture, 'alice', PASSWORD))?.code).toBe('Access-Challenge')
  })

  test('is shown in the language of the VPN prompts', async () => {
    const fixture = await enrollingFixture({ radius: { auth_port: 0, acct_port: 0, locale: 'zh-CN' } })
    await fixture.addUser('alice')
    const challenge = await login(fixture, 'alice', PASSWORD)
    expect(challenge?.message).toContain(`请在浏览器中打开 ${fixture.url}/enrol ，输入代码 `)
    const again = await login(fixture, 'alice', '', challenge?.state)
    expect(again?.message).toContain('身份验证器尚未绑定。')
    expect(codeIn(again?.message)).not.toBe(codeIn(challenge?.message))
  })
})

test('an invitation replaces an authenticator that was lost, once', async () => {
  const fixture = await startTestBroker()
  await fixture.addUser('alice')
  await fixture.enrol('alice')
  const lost = (await fixture.records.enrolments.ofSubject('alice'))[0]
  const { invitations, audit } = fixture.records
  const inviting = new Inviting({ invitations, audit, clock: systemClock, random: systemRandom })
  const { code } = await inviting.invite('alice', { actor: 'helpdesk' })
  const client = new FormClient(fixture.url)
  const asked = await client.get('/enrol?name=alice')
  expect(asked.text).toContain('value="alice"')
  const shown = await client.post('/enrol/code', { name: 'alice', code })
  const key = keyOn(shown) ?? ''
  // Until the new one is confirmed the old one stays.
  expect((await fixture.records.enrolments.ofSubject('alice'))[0]).toEqual(lost)
  await client.post('/enrol/confirm', { code: generateSync({ secret: key }) })
  await client.post('/recovery-codes/saved', { saved: 'yes' })
  expect((await fixture.records.enrolments.ofSubject('alice'))[0]?.id).not.toBe(lost?.id)
  await client.get('/enrol')
  const again = await client.post('/enrol/code', { name: 'alice', code })
  expect(problemOn(again)).toMatch(/^This invitation was used before\./)
  // To one who does not hold its code it is any other wrong one.
  const guess = await client.post('/enrol/code', { name: 'alice', code: code.replace(/^..../, 'aaaa') })
  expect(problemOn(guess)).toBe('The user name or the code is wrong, or the code has expired or was used.')
})

describe('an authenticator that is enrolled by invitation', () => {
  /** A browser that has shown an invitation, and the key that it was given. */
  async function invited(fixture: TestBroker, user: string) {
    const { invitations, audit } = fixture.records
    const inviting = new Inviting({ invitations, audit, clock: systemClock, random: systemRandom })
    const { code } = await inviting.invite(user, { actor: 'helpdesk' })
    const client = new FormClient(fixture.url)
    await client.get('/enrol')
    const shown = await client.post('/enrol/code', { name: user, code })
    const confirm = async (page = shown) =>
      client.post('/enrol/confirm', { code: generateSync({ secret: keyOn(page) ?? '' }) })
    return { client, confirm }
  }

  test('is not replaced by an earlier invitation that was opened before it', async () => {
    const fixture = await startTestBroker()
    for (const user of ['alice', 'bob']) await fixture.addUser(user)
    await fixture.enrol('bob')
    for (const user of ['alice', 'bob']) {
      const earlier = await invited(fixture, user)
      const later = await invited(fixture, user)
      expect(headingOf(await later.confirm())).toBe('Save your recovery codes')
      const enrolled = (await fixture.records.enrolments.ofSubject(user))[0]
      expect(headingOf(await earlier.confirm())).toBe('Sign in')
      expect((await fixture.records.enrolments.ofSubject(user))[0]).toEqual(enrolled)
    }
  })

  test('takes the place of the one that was there when the invitation was opened, and of no later one', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    for (const hadOne of [false, true]) {
      if (hadOne) await fixture.enrol('alice')
      const { client, confirm } = await invited(fixture, 'alice')
      // By the command line, which ends no sessions.
      await fixture.enrol('alice')
      const enrolled = (await fixture.records.enrolments.ofSubject('alice'))[0]
      expect(headingOf(await confirm())).toBe('This took too long')
      // Nor after beginning once more.
      expect(headingOf(await confirm(await client.post('/enrol/begin')))).toBe('This took too long')
      expect((await fixture.records.enrolments.ofSubject('alice'))[0]).toEqual(enrolled)
      await fixture.records.enrolments.revoke('alice')
    }
  })

  test('ends what was signed in with the one before', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice', ['admins'])
    await fixture.enrol('alice')
    const finder = await signedIn(fixture, 'alice')
    expect((await finder.get('/desk')).status).toBe(200)
    const { confirm } = await invited(fixture, 'alice')
    expect(headingOf(await finder.get('/'))).toBe('Your account')
    await confirm()
    expect(headingOf(await finder.get('/'))).toBe('Sign in')
    expect(headingOf(await finder.get('/desk'))).toBe('Sign in')
  })
})

describe('what was signed in with an authenticator', () => {
  const reason = 'the phone was stolen'
  const WAYS: readonly [how: string, take: (fixture: TestBroker) => Promise<unknown>][] = [
    ['is revoked by the command line', (fixture) => fixture.records.enrolments.revoke('alice')],
    ['is replaced by the command line', (fixture) => fixture.enrol('alice')],
    ['is replaced over the API', enrolOverApi],
  ]

  async function enrolOverApi(fixture: TestBroker): Promise<void> {
    const token = await fixture.token()
    const asking = (path: string, json: object) =>
      ask(`${fixture.url}/api/v1/pending-enrolments${path}`, { token, json })
    const { id, key } = (await asking('', { user: 'alice' })).json
    const code = generateSync({ secret: String(key) })
    expect((await asking(`/${id}/confirm`, { code, reason })).status).toBe(201)
  }

  for (const [how, take] of WAYS) {
    test(`is over when it ${how}: the account, the desk and the API`, async () => {
      const fixture = await startTestBroker()
      await fixture.addUser('alice', ['admins'])
      await fixture.enrol('alice')
      const finder = await signedIn(fixture, 'alice')
      const me = () => ask(`${fixture.url}/api/v1/me`, { headers: { cookie: finder.cookie } })
      expect((await finder.get('/desk')).status).toBe(200)
      expect((await me()).status).toBe(200)
      await take(fixture)
      expect((await me()).status).toBe(401)
      expect(headingOf(await finder.get('/desk'))).toBe('Sign in')
      expect(headingOf(await finder.get('/'))).toBe('Sign in')
    })
  }

  test('stays open when its owner shows the code again, and over its own replacement', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    const client = await withPassword(fixture, 'alice')
    const secret = keyOn(await client.get('/enrol')) ?? ''
    await client.post('/enrol/confirm', { code: generateSync({ secret }) })
    await client.post('/recovery-codes/saved', { saved: 'yes' })
    const before = (await fixture.records.enrolments.ofSubject('alice'))[0]
    const code = generateSync({ secret, epoch: Date.now() / 1000 + 30 })
    const shown = await client.post('/authenticator/replace', { code })
    expect(headingOf(await client.get('/'))).toBe('Your account')
    await client.post('/enrol/confirm', { code: generateSync({ secret: keyOn(shown) ?? '' }) })
    await client.post('/recovery-codes/saved', { saved: 'yes' })
    expect((await fixture.records.enrolments.ofSubject('alice'))[0]?.id).not.toBe(before?.id)
    expect(headingOf(await client.get('/'))).toBe('Your account')
  })

  test('is over before there is one when somebody else enrols it over the API', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    const client = await withPassword(fixture, 'alice')
    expect(keyOn(await client.get('/enrol'))).toBeDefined()
    await enrolOverApi(fixture)
    expect(headingOf(await client.get('/'))).toBe('Sign in')
  })
})

describe('whether a user exists', () => {
  test('is not revealed by status, text or headers', async () => {
    const fixture = await startTestBroker({ lockout: NO_LOCKOUTS })
    await fixture.addUser('alice')
    await fixture.addUser('barred')
    await fixture.records.users.change('barred', { enabled: false })
    const answers: string[] = []
    for (const [name, password] of [
      ['alice', 'wrong'],
      ['nobody', 'wrong'],
      ['barred', 'wrong'],
      ['barred', PASSWORD],
      ['alice@elsewhere.example', 'wrong'],
    ] as const) {
      const client = new FormClient(fixture.url)
      await client.get('/')
      const answer = await client.post('/sign-in', { name, password })
      const { date, 'set-cookie': cookie, 'content-length': length, ...headers } = answer.headers
      const text = answer.text.replaceAll(name, 'NAME').replaceAll(/name="csrf" value="[^"]+"/g, '')
      answers.push(JSON.stringify([answer.status, cookie?.length, headers, text]))
    }
    expect(new Set(answers).size).toBe(1)
    const byCode: string[] = []
    for (const name of ['alice', 'nobody', 'barred']) {
      const client = new FormClient(fixture.url)
      await client.get('/enrol')
      const answer = await client.post('/enrol/code', { name, code: 'abcd-efgh' })
      byCode.push(JSON.stringify([answer.status, problemOn(answer)]))
    }
    expect(new Set(byCode).size).toBe(1)
  })

  test('is not revealed by response time', async () => {
    const fixture = await startTestBroker({ lockout: NO_LOCKOUTS })
    await fixture.addUser('alice')
    const client = new FormClient(fixture.url)
    await client.get('/')
    const took = async (name: string) => {
      const startedAt = performance.now()
      await client.post('/sign-in', { name, password: 'wrong' })
      return performance.now() - startedAt
    }
    const times = { alice: [] as number[], nobody: [] as number[] }
    // In turns, so that a busy machine slows both.
    for (let guess = 0; guess < 25; guess++) {
      times.alice.push(await took('alice'))
      times.nobody.push(await took('nobody'))
    }
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
    const ratio = median(times.alice) / median(times.nobody)
    // A hash takes ten times as long as all the rest; one that was left out would be seen from afar.
    expect(ratio).toBeGreaterThan(0.6)
    expect(ratio).toBeLessThan(1.7)
  })
})

test('a guess at the portal counts as a guess at the gateway, and the other way round', async () => {
  const fixture = await startTestBroker()
  for (const user of ['alice', 'bob', 'carol']) await fixture.addUser(user)
  const client = new FormClient(fixture.url)
  await client.get('/')
  for (let guess = 0; guess < 3; guess++) await client.post('/sign-in', { name: 'alice', password: 'wrong' })
  for (let guess = 0; guess < 2; guess++) await login(fixture, 'alice', 'wrong')
  expect((await login(fixture, 'alice', PASSWORD))?.message).toMatch(/Try again in/)
  expect(problemOn(await client.post('/sign-in', { name: 'alice', password: PASSWORD }))).toMatch(
    /Try again in/,
  )

  await client.get('/enrol')
  for (let guess = 0; guess < 5; guess++) await client.post('/enrol/code', { name: 'bob', code: 'abcd-efgh' })
  expect((await login(fixture, 'bob', PASSWORD))?.message).toMatch(/Try again in/)

  for (let guess = 0; guess < 5; guess++) await login(fixture, 'carol', 'wrong')
  await client.get('/')
  expect(problemOn(await client.post('/sign-in', { name: 'carol', password: PASSWORD }))).toMatch(
    /Try again in/,
  )
})

describeWith(BROWSER_NEEDS, 'another site', () => {
  test('can neither frame the portal nor send its forms, in a browser that is signed in', async () => {
    const fixture = await startTestBroker()
    await fixture.addUser('alice')
    await fixture.enrol('alice')
    await using resources = new AsyncDisposableStack()
    const browser = await startChromium()
    resources.defer(browser.close)
    const { page, leave } = await browser.visit(fixture.url)
    resources.defer(leave)
    await page.goto(fixture.url)
    await page.fill('#name', 'alice')
    await page.fill('#password', PASSWORD)
    await page.locator('#password').press('Enter')
    await page.fill('#code', fixture.code())
    await page.locator('#code').press('Enter')
    await page.locator('.facts').waitFor()

    // Another port of this host is the same site, so the cookie goes along: the hardest case.
    const evil = createServer((request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(
        request.url === '/frame'
          ? `<iframe id="framed" src="${fixture.url}/" width="900" height="900"></iframe>`
          : `<form method="post" action="${fixture.url}/sign-out-everywhere"><input name="csrf" value="x"><button>go</button></form>`,
      )
    }).listen(0, '127.0.0.1')
    resources.defer(() => void evil.close())
    await new Promise((resolve) => evil.once('listening', resolve))
    const { port } = evil.address() as AddressInfo

    await page.goto(`http://127.0.0.1:${port}/frame`)
    await expect.poll(() => page.frames().length).toBe(2)
    const [, framed] = page.frames()
    await framed?.waitForLoadState()
    expect(await framed?.locator('.facts, form').count()).toBe(0)

    await page.goto(`http://127.0.0.1:${port}/form`)
    await page.locator('button').click()
    await page.waitForURL(`${fixture.url}/**`)
    expect(await page.locator('h1').innerText()).toBe('The form was not accepted')
    await page.goto(fixture.url)
    expect(await page.locator('.facts').count()).toBe(1)
  })
})
