import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkSingleSignOn } from '../../src/doctor/single-sign-on.ts'
import { Secret } from '../../src/domain/secret.ts'
import { providerRemarks } from '../../src/single-sign-on/remarks.ts'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf, problemOn } from '../http/form-client.ts'
import { ProviderClient } from '../http/provider-client.ts'
import { type SignOnBroker, startSignOnBroker } from '../http/sign-on-broker.ts'
import { PASSWORD } from '../http/test-broker.ts'
import type { Forgery } from '../real/oidc-provider.ts'

const NOT_RIGHT =
  'The sign-in with Company login did not work. Try again; if it happens again, tell your administrator.'
const TOO_OLD = 'The sign-in took too long or was used before. Start again.'
const OTHER_BROWSER = 'This sign-in began in another window or browser. Start again here.'
const UNREACHABLE =
  'Company login cannot be reached right now. Try again in a moment, or sign in with your password.'
const IN = 'Your account'
const SIGN_IN = 'Sign in'
const BACK_CHANNEL = 'http://schemas.openid.net/event/backchannel-logout'
const PATIENCE_MS = 9000

describe('a single sign-on that is not right', () => {
  const resources = new AsyncDisposableStack()
  let { broker, provider } = {} as SignOnBroker

  beforeAll(async () => {
    ;({ broker, provider } = await startSignOnBroker((end) => void resources.defer(end)))
    for (const name of ['ada', 'bob', 'carol', 'dan']) {
      await broker.addUser(name)
      provider.users.set(name, { preferred_username: name, amr: ['pwd', 'mfa'] })
    }
    provider.users.set('nobody', { preferred_username: 'nobody', amr: ['mfa'] })
  })
  afterEach(() => {
    provider.forge(undefined)
    provider.hang(false)
  })
  afterAll(() => resources.disposeAsync())

  const newClient = () => new FormClient(broker.url)

  async function signOn(user: string, client = newClient()) {
    return client.get(await new ProviderClient().signOn(client, user))
  }

  test('is none of these: the right one signs in, and nothing else does', async () => {
    const client = newClient()
    expect(headingOf(await signOn('ada', client))).toBe(IN)
    expect(headingOf(await newClient().get('/'))).toBe(SIGN_IN)
  })

  test.each<[string, Forgery, RegExp]>([
    ['another audience', { claims: { aud: 'another-client' } }, /audience/],
    ['another audience beside ours', { claims: { aud: ['ocbroker', 'another-client'] } }, /audience|azp/],
    ['another nonce', { claims: { nonce: 'of-another-sign-in' } }, /nonce/],
    ['no nonce', { claims: { nonce: undefined } }, /nonce/],
    ['another issuer', { claims: { iss: 'https://login.example.net' } }, /issuer/],
    ['another key', { key: 'another' }, /signature/],
    ['an end in the past', { claims: { exp: Math.floor(Date.now() / 1000) - 60 } }, /expiration/],
  ])('is a token with %s', async (_, forgery, why) => {
    provider.forge(forgery)
    const client = newClient()
    const path = await new ProviderClient().signOn(client, 'ada')
    const before = (await broker.log()).length
    expect(problemOn(await client.get(path))).toBe(NOT_RIGHT)
    expect(headingOf(await client.get('/'))).toBe(SIGN_IN)
    const lines = (await broker.log()).slice(before).split('\n')
    const line = lines.find((each) => each.includes('single_sign_on.refused')) ?? ''
    expect(JSON.parse(line).why).toMatch(why)
  })

  test('is an answer that was brought before', async () => {
    const client = newClient()
    const path = await new ProviderClient().signOn(client, 'ada')
    expect(headingOf(await client.get(path))).toBe(IN)
    await client.post('/sign-out')
    expect(problemOn(await client.get(path))).toBe(TOO_OLD)
    expect(headingOf(await client.get('/'))).toBe(SIGN_IN)
  })

  test('is an answer in another browser, which is then worth nothing in its own either', async () => {
    const [own, other] = [newClient(), newClient()]
    const path = await new ProviderClient().signOn(own, 'ada')
    await other.get('/')
    expect(problemOn(await other.get(path))).toBe(OTHER_BROWSER)
    expect(headingOf(await other.get('/'))).toBe(SIGN_IN)
    expect(problemOn(await own.get(path))).toBe(TOO_OLD)
  })

  test('is the answer to another sign-in of the same browser', async () => {
    const client = newClient()
    const own = new URL(await new ProviderClient().signOn(client, 'ada'), broker.url)
    const other = new URL(await new ProviderClient().signOn(client, 'bob'), broker.url)
    // The code is bound to its verifier, and the ID token to its nonce.
    own.searchParams.set('code', other.searchParams.get('code') ?? '')
    expect(problemOn(await client.get(`${own.pathname}${own.search}`))).toBe(NOT_RIGHT)
  })

  test.each([
    ['another issuer', (query: URLSearchParams) => query.set('iss', 'https://login.example.net')],
    ['no issuer', (query: URLSearchParams) => query.delete('iss')],
    ['two codes', (query: URLSearchParams) => query.append('code', 'another')],
  ])('is an answer with %s', async (_, change) => {
    const client = newClient()
    const url = new URL(await new ProviderClient().signOn(client, 'ada'), broker.url)
    change(url.searchParams)
    expect(problemOn(await client.get(`${url.pathname}${url.search}`))).toBe(NOT_RIGHT)
  })

  test('is an answer to nothing', async () => {
    const client = newClient()
    for (const query of ['', '?state=x&code=y', '?state=a&state=b', '?error=access_denied'])
      expect(problemOn(await client.get(`/sign-in/sso/callback${query}`))).toBe(TOO_OLD)
  })

  test('leads nowhere else', async () => {
    const client = newClient()
    const path = await new ProviderClient().signOn(client, 'ada', '/sign-in/sso?to=//login.example.net')
    expect((await client.getOnly(path)).headers.location).toBe('/')
  })

  test('gives the browser a new cookie', async () => {
    const client = newClient()
    const path = await new ProviderClient().signOn(client, 'ada')
    const planted = client.cookie
    expect(headingOf(await client.get(path))).toBe(IN)
    const thief = newClient()
    thief.takeCookie(planted)
    expect(headingOf(await thief.get('/'))).toBe(SIGN_IN)
  })

  test('names an unknown user to the operator, and counts as no guess', async () => {
    expect(problemOn(await signOn('nobody'))).toMatch(/^You are signed in there, but nobody here has/)
    const [event] = await broker.records.audit.list({ user: 'nobody', limit: 1 })
    expect(event).toMatchObject({
      kind: 'login.refused',
      reason: 'bad_credentials',
      detail: 'single sign-on: no identity store knows the user',
    })
    for (let times = 0; times < 6; times++) await signOn('nobody')
    expect(await broker.records.lockouts.list({ limit: 1 })).toEqual([])
  })

  test('is of a name that a store which was not asked may know, too', async () => {
    await using own = new AsyncDisposableStack()
    const upstream = {
      type: 'radius',
      servers: [{ host: '127.0.0.1', port: 1, secret: 'between-broker-and-upstream' }],
    }
    const startWith = (order: readonly string[]) =>
      startSignOnBroker((end) => void own.defer(end), {}, {}, { identity: { order, upstream } })
    const outcomes = []
    for (const order of [
      ['local', 'upstream'],
      ['upstream', 'local'],
    ]) {
      const site = await startWith(order)
      await site.broker.addUser('ada')
      site.provider.users.set('ada', { preferred_username: 'ada', amr: ['mfa'] })
      const client = new FormClient(site.broker.url)
      outcomes.push(headingOf(await client.get(await new ProviderClient().signOn(client, 'ada'))))
      if (order[0] === 'local') continue
      const [event] = await site.broker.records.audit.list({ user: 'ada', limit: 1 })
      expect(event).toMatchObject({
        kind: 'login.refused',
        detail: 'single sign-on: upstream may know the user, and comes before local in identity.order',
      })
    }
    expect(outcomes).toEqual([IN, SIGN_IN])
  })

  test('lets no disabled, expired or locked account in', async () => {
    await broker.records.users.change('bob', { enabled: false })
    expect(problemOn(await signOn('bob'))).toBe(
      'Your account is disabled or has expired. Ask your administrator.',
    )
    await broker.records.users.change('carol', { expiresAt: Date.now() - 1000 })
    expect(problemOn(await signOn('carol'))).toBe(
      'Your account is disabled or has expired. Ask your administrator.',
    )
    const token = await broker.token()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ scope: 'user', user: 'dan', reason: 'on holiday' })
    expect((await ask(`${broker.url}/api/v1/lockouts`, { method: 'POST', headers, body })).status).toBe(201)
    expect(problemOn(await signOn('dan'))).toBe('This sign-in is locked. Ask your administrator.')
  })

  test('ends as soon as its user is disabled', async () => {
    await broker.addUser('eve')
    provider.users.set('eve', { preferred_username: 'eve', amr: ['mfa'] })
    const client = newClient()
    expect(headingOf(await signOn('eve', client))).toBe(IN)
    await broker.records.users.change('eve', { enabled: false })
    expect(headingOf(await client.get('/'))).toBe(SIGN_IN)
  })

  test('with one factor is not more than a password', async () => {
    await broker.addUser('fay', ['admins'])
    provider.users.set('fay', { preferred_username: 'fay', acr: 'urn:one-factor', amr: ['pwd'] })
    await broker.enrol('fay')
    const client = newClient()
    expect(headingOf(await signOn('fay', client))).toBe('Enter your code')
    expect(headingOf(await client.get('/desk'))).toBe('Enter your code')
    const wrong = await client.post('/code', { code: '000000' })
    expect(problemOn(wrong)).toMatch(/^That code is wrong/)
    expect(headingOf(await client.post('/code', { code: broker.code() }))).toBe(IN)
  })

  test('with two factors adds no authenticator to the passkeys of its user', async () => {
    const setUp = async (name: string) => {
      await broker.addUser(name)
      provider.users.set(name, { preferred_username: name, amr: ['mfa'] })
      const client = newClient()
      await signOn(name, client)
      return client
    }
    const enrolling = await setUp('gus')
    expect(headingOf(await enrolling.post('/enrol/begin'))).not.toBe(IN)
    const client = await setUp('gwen')
    await broker.records.passkeys.add({
      ...{ id: 'p-gwen', subject: 'gwen', name: 'phone', credential: 'c-gwen', handle: 'AA' },
      ...{ publicKey: 'AA', counter: 0, rpId: 'vpn.example.org', createdAt: Date.now() },
    })
    expect(headingOf(await client.post('/enrol/begin'))).toBe(IN)
    expect(headingOf(await client.get('/enrol'))).toBe(IN)
  })

  test('is told within seconds while the provider hangs, and passwords go on', async () => {
    const client = newClient()
    const path = await new ProviderClient().signOn(client, 'ada')
    provider.hang(true)
    const began = Date.now()
    expect(problemOn(await client.get(path))).toBe(UNREACHABLE)
    expect(Date.now() - began).toBeLessThan(PATIENCE_MS)
    await broker.addUser('gil')
    const answer = await client.post('/sign-in', { name: 'gil', password: PASSWORD })
    expect(headingOf(answer)).toBe('Connect your authenticator app')
  })

  test('works on after the provider has changed its keys', async () => {
    await provider.rotateKeys()
    expect(headingOf(await signOn('ada'))).toBe(IN)
    await provider.rotateKeys()
    expect(headingOf(await signOn('ada'))).toBe(IN)
  })

  describe('is named by doctor', () => {
    const examine = (more: object) => {
      const { singleSignOn } = broker.config.portal
      if (singleSignOn === undefined) throw new Error('there is no single sign-on')
      return checkSingleSignOn(() =>
        providerRemarks({ ...singleSignOn, callbackPath: '/sign-in/sso/callback', ...more }),
      )()
    }

    test.each<[string, object, string, RegExp]>([
      ['nothing', {}, 'ok', /answers and knows the broker/],
      ['a wrong secret', { secret: new Secret('wrong') }, 'warning', /by its secret/],
      ['a wrong client', { clientId: 'another' }, 'warning', /by its secret/],
      ['a wrong port', { issuer: 'http://127.0.0.1:1' }, 'fault', /ECONNREFUSED/],
    ])('%s', async (_, more, verdict, cause) => {
      expect(await examine(more)).toMatchObject([{ verdict, cause: expect.stringMatching(cause) }])
    })

    test('an issuer that is written in another way', async () => {
      expect(await examine({ issuer: `${provider.issuer}/` })).toMatchObject([
        { verdict: 'fault', cause: expect.stringContaining(`calls itself ${provider.issuer}`) },
      ])
      expect(await examine({ issuer: `${broker.url}/elsewhere` })).toMatchObject([
        { verdict: 'fault', cause: expect.stringContaining('describes no provider') },
      ])
    })

    test('a provider that hangs, within the time of a check', async () => {
      provider.hang(true)
      expect(await examine({})).toMatchObject([{ cause: expect.stringContaining('no answer in time') }])
    })
  })

  describe('the sign-out by the provider', () => {
    const seconds = () => Math.floor(Date.now() / 1000)
    let number = 0
    const claims = () => ({
      iss: provider.issuer,
      aud: provider.clientId,
      sub: 'ada',
      iat: seconds(),
      exp: seconds() + 120,
      jti: `sign-out-${number++}`,
      events: { [BACK_CHANNEL]: {} },
    })
    const send = async (token: string) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams({ logout_token: token }).toString()
      return (await ask(`${broker.url}/sign-in/sso/sign-out`, { method: 'POST', headers, body })).status
    }

    test('ends the sessions of this user alone, once', async () => {
      await broker.addUser('hal')
      provider.users.set('hal', { preferred_username: 'hal', amr: ['mfa'] })
      const [ada, hal] = [newClient(), newClient()]
      await signOn('ada', ada)
      await signOn('hal', hal)
      const token = await provider.logoutToken(claims())
      expect(await send(token)).toBe(200)
      expect(headingOf(await ada.get('/'))).toBe(SIGN_IN)
      expect(headingOf(await hal.get('/'))).toBe(IN)
      await signOn('ada', ada)
      expect(await send(token)).toBe(200)
      expect(headingOf(await ada.get('/'))).toBe(IN)
    })

    test.each<[string, object, Forgery?]>([
      ['another key', {}, { key: 'another' }],
      ['another issuer', { iss: 'https://login.example.net' }],
      ['another audience', { aud: 'another-client' }],
      ['a nonce, as an ID token has', { nonce: 'x' }],
      ['no event', { events: {} }],
      ['nobody', { sub: undefined }],
      ['no identifier', { jti: undefined }],
      ['an age of an hour', { iat: Math.floor(Date.now() / 1000) - 3600 }],
    ])('ends nothing with %s', async (_, changes, forgery) => {
      const client = newClient()
      await signOn('ada', client)
      expect(await send(await provider.logoutToken({ ...claims(), ...changes }, forgery))).toBe(400)
      expect(headingOf(await client.get('/'))).toBe(IN)
    })
  })
})
