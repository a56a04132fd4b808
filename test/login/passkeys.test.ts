import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { PasskeyChallenge } from '../../src/domain/passkey.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { PasskeyAssertions } from '../../src/login/passkey-assertions.ts'
import { EnrollingPasskeys } from '../../src/manage/enrolling-passkeys.ts'
import { Passkeys } from '../../src/manage/passkeys.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { openInMemory } from '../store/in-memory.ts'
import { SoftwareAuthenticator, type Twist } from './software-authenticator.ts'

const ORIGIN = 'https://vpn.example.org'
const SITE = { rpId: 'example.org', origin: ORIGIN, name: 'VPN' }
const BROWSER = 'the token of a browser'
const SIGN_IN = { purpose: 'sign-in', browser: BROWSER }

describe('passkeys', () => {
  const time = { now: Date.UTC(2026, 0, 1) }
  const clock = { now: () => time.now, monotonic: () => time.now }
  let records: ReturnType<typeof sqlRepositories>
  let passkeys: Passkeys
  let enrolling: EnrollingPasskeys
  let assertions: PasskeyAssertions
  let phone: SoftwareAuthenticator
  beforeEach(async () => {
    const { database, db } = await openInMemory()
    onTestFinished(() => database.close())
    records = sqlRepositories(db, { random: systemRandom })
    const challenges = memoryStore<PasskeyChallenge>({ name: 'passkeys', clock, capacity: 100 })
    const options = { ...records, challenges, site: SITE, clock, random: systemRandom }
    passkeys = new Passkeys(options)
    enrolling = new EnrollingPasskeys(options)
    assertions = new PasskeyAssertions(options)
    phone = new SoftwareAuthenticator(ORIGIN)
  })

  const enrol = async (subject: string, device = phone, twist: Twist = {}, name = '') => {
    const owner = { subject, browser: BROWSER }
    const answer = device.create(await enrolling.registrationOptions(owner, subject), twist)
    return enrolling.register(answer, owner, name, { address: '192.0.2.1' })
  }
  const ask = async (use = SIGN_IN, subject?: string) => (await assertions.optionsFor(use, subject)).challenge
  const answer = async (twist: Twist = {}) => assertions.verify(phone.get(await ask(), twist), SIGN_IN)
  const events = async () =>
    (await records.audit.list({ limit: 50, order: 'oldest' })).map(({ kind, user, reason, detail }) =>
      [kind, user, reason, detail].filter(Boolean).join(' '),
    )

  test('are enrolled with a name of their own, and let their owner in without any other name', async () => {
    expect(await enrol('alice@corp', phone, {}, ' my\nphone ')).toMatchObject({ kind: 'enrolled' })
    const laptop = new SoftwareAuthenticator(ORIGIN)
    await enrol('alice@corp', laptop)
    expect((await passkeys.of('alice@corp')).map(({ name }) => name)).toEqual(['myphone', 'passkey 1'])
    expect(await answer()).toMatchObject({ kind: 'verified', subject: 'alice@corp', purpose: 'sign-in' })
    expect((await passkeys.of('alice@corp')).map(({ usedAt }) => usedAt)).toEqual([time.now, undefined])
    expect(await events()).toEqual([
      'passkey.enrolled alice myphone',
      'passkey.enrolled alice passkey 1',
      'passkey.used alice myphone, sign-in',
    ])
  })

  test('are asked for as discoverable credentials of one user handle, with the user verified', async () => {
    const owner = { subject: 'alice', browser: BROWSER }
    const first = await enrolling.registrationOptions(owner, 'alice')
    await enrolling.register(phone.create(first), owner, '', {})
    const second = await enrolling.registrationOptions(owner, 'alice')
    expect(second).toMatchObject({
      rp: { id: 'example.org', name: 'VPN' },
      user: { id: first.user.id, name: 'alice' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [{ id: phone.id, transports: ['internal', 'hybrid'] }],
    })
    expect(await assertions.optionsFor(SIGN_IN)).toMatchObject({
      rpId: 'example.org',
      userVerification: 'required',
      allowCredentials: undefined,
    })
    expect((await assertions.optionsFor(SIGN_IN, 'alice')).allowCredentials).toMatchObject([{ id: phone.id }])
  })

  describe('do not let in', () => {
    beforeEach(() => enrol('alice'))

    test.each<[string, Twist]>([
      ['wrong_origin', { origin: 'https://vpn.example.org.evil.test' }],
      ['wrong_origin', { origin: 'http://vpn.example.org' }],
      ['wrong_origin', { crossOrigin: true }],
      ['wrong_rp_id', { rpId: 'vpn.example.org' }],
      ['user_not_verified', { userVerified: false }],
      ['unknown_passkey', { handle: 'c29tZWJvZHkgZWxzZQ' }],
      ['unknown_challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
      ['malformed', { challenge: 'short' }],
      ['bad_signature', { type: 'webauthn.create' }],
    ])('%s: %o', async (reason, twist) => {
      expect(await answer(twist)).toMatchObject({ kind: 'refused', reason })
      expect((await events()).at(-1)).toMatch(`passkey.refused`)
    })

    test('an answer that was changed on its way', async () => {
      const sent = JSON.parse(phone.get(await ask()))
      const other = JSON.parse(phone.get(await ask()))
      sent.response.signature = other.response.signature
      expect(await assertions.verify(JSON.stringify(sent), SIGN_IN)).toMatchObject({
        reason: 'bad_signature',
      })
    })

    test.each([
      '',
      'null',
      '[]',
      '{}',
      '{"id":"a","response":{}}',
      '{"id":"..","response":{"clientDataJSON":"e30"}}',
    ])('what is no answer at all: %s', async (text) => {
      expect(await assertions.verify(text, SIGN_IN)).toMatchObject({ reason: 'malformed' })
    })

    test('the same answer twice, nor another to the same challenge', async () => {
      const challenge = await ask()
      const sent = phone.get(challenge)
      expect(await assertions.verify(sent, SIGN_IN)).toMatchObject({ kind: 'verified' })
      expect(await assertions.verify(sent, SIGN_IN)).toMatchObject({ reason: 'replayed' })
      expect(await assertions.verify(phone.get(challenge), SIGN_IN)).toMatchObject({ reason: 'replayed' })
    })

    test('one of many copies of an answer that arrive at once, but for the first', async () => {
      const sent = phone.get(await ask())
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => assertions.verify(sent, SIGN_IN)))
      expect(outcomes.filter(({ kind }) => kind === 'verified')).toHaveLength(1)
    })

    test('a right answer after a wrong one to the same challenge', async () => {
      const challenge = await ask()
      await assertions.verify(phone.get(challenge, { userVerified: false }), SIGN_IN)
      expect(await assertions.verify(phone.get(challenge), SIGN_IN)).toMatchObject({ reason: 'replayed' })
    })

    test('an answer after 120 s', async () => {
      const [early, late] = [await ask(), await ask()]
      time.now += 119_999
      expect(await assertions.verify(phone.get(early), SIGN_IN)).toMatchObject({ kind: 'verified' })
      time.now += 1
      expect(await assertions.verify(phone.get(late), SIGN_IN)).toMatchObject({ reason: 'expired' })
    })

    test('an answer to another purpose, in another browser, or of another user', async () => {
      const approve = { purpose: 'approve 17', browser: BROWSER }
      for (const use of [approve, { ...SIGN_IN, browser: 'another' }])
        expect(await assertions.verify(phone.get(await ask()), use)).toMatchObject({
          reason: 'wrong_purpose',
        })
      const bobs = phone.get(await ask(approve, 'bob'))
      expect(await assertions.verify(bobs, approve)).toMatchObject({ reason: 'wrong_purpose' })
      const own = phone.get(await ask(approve, 'alice'))
      expect(await assertions.verify(own, approve)).toMatchObject({ kind: 'verified' })
    })

    test('a passkey that nobody has, or has no longer', async () => {
      const [passkey] = await passkeys.of('alice')
      expect(await passkeys.remove(passkey?.id ?? '', 'bob', {})).toBe(false)
      expect(await passkeys.remove(passkey?.id ?? '', 'alice', {})).toBe(true)
      expect(await answer()).toMatchObject({ reason: 'unknown_passkey' })
    })

    test('a copy whose counter is not above that of the other', async () => {
      expect(await answer({ counter: 5 })).toMatchObject({ kind: 'verified' })
      for (const counter of [0, 4, 5])
        expect(await answer({ counter })).toMatchObject({
          reason: 'counter_went_back',
          passkey: { subject: 'alice' },
        })
      expect(await answer({ counter: 6 })).toMatchObject({ kind: 'verified' })
    })

    test('two with one counter at the same time', async () => {
      const sent = [phone.get(await ask(), { counter: 9 }), phone.get(await ask(), { counter: 9 })]
      const outcomes = await Promise.all(sent.map((each) => assertions.verify(each, SIGN_IN)))
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['refused', 'verified'])
    })
  })

  describe('are not enrolled', () => {
    test.each<[string, Twist]>([
      ['wrong_origin', { origin: 'https://evil.test' }],
      ['wrong_rp_id', { rpId: 'evil.test' }],
      ['user_not_verified', { userVerified: false }],
      ['unknown_challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
      ['malformed', { attestation: new Map([['x5c', [new Uint8Array(3)]]]) }],
    ])('%s: %o', async (reason, twist) => {
      expect(await enrol('alice', phone, twist)).toMatchObject({ kind: 'refused', reason })
      expect(await passkeys.of('alice')).toEqual([])
    })

    test('for another user or in another browser than those who asked', async () => {
      const owner = { subject: 'alice', browser: BROWSER }
      for (const other of [
        { ...owner, subject: 'bob' },
        { ...owner, browser: 'another' },
      ]) {
        const made = phone.create(await enrolling.registrationOptions(owner, 'alice'))
        expect(await enrolling.register(made, other, '', {})).toMatchObject({ reason: 'wrong_purpose' })
      }
    })

    test('twice, nor by the challenge of a sign-in', async () => {
      const owner = { subject: 'alice', browser: BROWSER }
      const options = await enrolling.registrationOptions(owner, 'alice')
      const made = phone.create(options)
      expect(await enrolling.register(made, owner, '', {})).toMatchObject({ kind: 'enrolled' })
      expect(await enrolling.register(made, owner, '', {})).toMatchObject({ reason: 'replayed' })
      const signIn = phone.create({ ...options, challenge: await ask() })
      expect(await enrolling.register(signIn, owner, '', {})).toMatchObject({ reason: 'wrong_purpose' })
    })

    test('where another user has the same credential', async () => {
      await enrol('alice')
      expect(await enrol('bob')).toEqual({ kind: 'known' })
    })
  })
})
