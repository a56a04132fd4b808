import { describe, expect, it, vi } from 'vitest'
import { newRecoveryCode, recoveryCodeHash, scratchCodeHash } from '../../src/domain/enrolment.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture, type LoginFixture, type LoginFixtureOptions, SEED } from './fixture.ts'

async function fixtureWithBob(options?: LoginFixtureOptions): Promise<LoginFixture> {
  const fixture = await createLoginFixture(options)
  await fixture.enrol('bob')
  return fixture
}

function stateOf(decision: Decision): string {
  return decision.kind === 'challenge'
    ? decision.state
    : expect.unreachable(`${decision.kind} is no challenge`)
}

const reasonOf = (decision: Decision) => (decision.kind === 'refusal' ? decision.reason : decision.kind)

describe('a login by challenge', () => {
  it('asks for the code after the right password and grants after the right code', async () => {
    const fixture = await fixtureWithBob()
    const challenge = await fixture.login('right')
    expect(challenge).toMatchObject({ kind: 'challenge', prompt: { kind: 'enter_code' } })
    const grant = await fixture.login(fixture.code(), { state: stateOf(challenge) })
    expect(grant).toMatchObject({
      kind: 'grant',
      policy: 'everyone',
      entitlement: { routes: ['10.0.0.0/8'] },
    })
    expect(await fixture.records.sessions.list({ limit: 9 })).toMatchObject([{ user: 'bob', gateway: 'gw1' }])
    expect((await fixture.records.audit.list({ limit: 9 })).map(({ kind }) => kind)).toContain(
      'login.accepted',
    )
  })

  it('sets the clock of a token right by two codes in a row, in one login only', async () => {
    const fixture = await fixtureWithBob()
    const FAST = 3
    const type = async (answer: Decision) => fixture.login(fixture.code(FAST), { state: stateOf(answer) })
    const first = await type(await fixture.login('right'))
    expect(first).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code' } })
    fixture.passes(30_000)
    // The next code is worth nothing in a login of its own.
    const other = await type(await fixture.login('right'))
    expect(other).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code' } })
    expect(reasonOf(await type(first))).toBe('grant')
    expect(reasonOf(await type(other))).not.toBe('grant')
    fixture.passes(60_000)
    expect(reasonOf(await type(await fixture.login('right')))).toBe('grant')
  })

  it('asks again with another prompt after a wrong code, counts it, and ends after the third', async () => {
    const fixture = await fixtureWithBob()
    const prompts: unknown[] = []
    let answer = await fixture.login('right')
    for (let tries = 0; tries < 3; tries += 1) {
      if (answer.kind === 'challenge') prompts.push(answer.prompt)
      answer = await fixture.login('000000', { state: stateOf(answer) })
    }
    expect(prompts).toEqual([
      { kind: 'enter_code' },
      { kind: 'wrong_code', triesLeft: 2 },
      { kind: 'wrong_code', triesLeft: 1 },
    ])
    expect(reasonOf(answer)).toBe('wrong_code')
    const failures = await fixture.records.audit.list({ kinds: ['login.refused'], limit: 9 })
    expect(failures.map(({ reason }) => reason)).toEqual(['wrong_code', 'wrong_code', 'wrong_code'])
  })

  it('takes the right code after a wrong one', async () => {
    const fixture = await fixtureWithBob()
    const again = await fixture.login('000000', { state: stateOf(await fixture.login('right')) })
    expect(reasonOf(await fixture.login(fixture.code(), { state: stateOf(again) }))).toBe('grant')
  })

  it('takes no code twice, not in a second login either', async () => {
    const fixture = await fixtureWithBob()
    await fixture.login(fixture.code(), { state: stateOf(await fixture.login('right')) })
    const replay = await fixture.login(fixture.code(), { state: stateOf(await fixture.login('right')) })
    expect(replay).toMatchObject({ kind: 'challenge', prompt: { kind: 'used_code', triesLeft: 2 } })
    fixture.passes(30_000)
    expect(reasonOf(await fixture.login(fixture.code(), { state: stateOf(replay) }))).toBe('grant')
  })

  it('grants one of 500 parallel uses of one code', async () => {
    const fixture = await fixtureWithBob({
      rules: { after: 1000, userAfter: 1000, addressAfter: 1000, hardAfter: 1000 },
    })
    const states = await Promise.all(
      Array.from({ length: 500 }, async () => stateOf(await fixture.login('right'))),
    )
    const code = fixture.code()
    const answers = await Promise.all(states.map((state) => fixture.login(code, { state })))
    expect(answers.filter(({ kind }) => kind === 'grant')).toHaveLength(1)
    expect(await fixture.records.sessions.list({ limit: 9 })).toHaveLength(1)
  })

  it('is identified by a State that cannot be guessed', async () => {
    const fixture = await fixtureWithBob()
    const states = new Set<string>()
    for (let i = 0; i < 20; i += 1) states.add(stateOf(await fixture.login('right')))
    expect(states.size).toBe(20)
    for (const state of states) expect(Buffer.from(state, 'base64url').length * 8).toBeGreaterThanOrEqual(128)
  })

  it('takes a State once, also where two answers come at the same moment', async () => {
    const fixture = await fixtureWithBob()
    const state = stateOf(await fixture.login('right'))
    const answers = await Promise.all([
      fixture.login('000000', { state }),
      fixture.login(fixture.code(), { state }),
    ])
    expect(answers.map(reasonOf)).toEqual(['challenge', 'challenge_expired'])
  })

  it.each([
    ['another user', { user: 'eve' }, 'challenge_mismatch'],
    ['another gateway', { gateway: 'gw2' }, 'challenge_mismatch'],
    ['another address', { address: '203.0.113.9' }, 'challenge_mismatch'],
    ['no address', { address: undefined }, 'challenge_mismatch'],
    ['a State that was never given', { state: 'x'.repeat(32) }, 'challenge_expired'],
  ])('refuses the right code from %s, and the State is spent', async (_what, change, reason) => {
    const fixture = await fixtureWithBob()
    const state = stateOf(await fixture.login('right'))
    expect(reasonOf(await fixture.login(fixture.code(), { state, ...change }))).toBe(reason)
    const after = await fixture.login(fixture.code(), { state })
    expect(reasonOf(after)).toBe('state' in change ? 'grant' : 'challenge_expired')
  })

  it('refuses an answer that comes after 120 s', async () => {
    const fixture = await fixtureWithBob()
    const state = stateOf(await fixture.login('right'))
    fixture.passes(120_000)
    expect(reasonOf(await fixture.login(fixture.code(), { state }))).toBe('challenge_expired')
  })

  it('refuses a user without an authenticator, and lets them in where it is not required', async () => {
    expect(reasonOf(await (await createLoginFixture()).login('right'))).toBe('no_second_factor')
    expect(reasonOf(await (await createLoginFixture({ required: false })).login('right'))).toBe('grant')
    expect(reasonOf(await (await fixtureWithBob({ required: false })).login('right'))).toBe('challenge')
  })

  it('takes a recovery code once, and asks again after a false one', async () => {
    const fixture = await createLoginFixture()
    const code = newRecoveryCode(systemRandom)
    await fixture.enrol('bob', 6, [recoveryCodeHash('bob', code)])
    const use = async () =>
      fixture.login(code.toUpperCase(), { state: stateOf(await fixture.login('right')) })
    expect(reasonOf(await use())).toBe('grant')
    expect(await use()).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code', triesLeft: 2 } })
  })

  it('takes a scratch code of eight digits once, from the user of its authenticator', async () => {
    const fixture = await createLoginFixture()
    await fixture.enrol('bob', 6, [scratchCodeHash(SEED, 'bob', '54404531')])
    const use = async (typed: string) =>
      reasonOf(await fixture.login(typed, { state: stateOf(await fixture.login('right')) }))
    expect(await use('54404532')).toBe('challenge')
    expect(await use('5440 4531')).toBe('grant')
    expect(await use('54404531')).toBe('challenge')
  })

  it('takes eight digits for a code where the authenticator shows as many', async () => {
    const fixture = await createLoginFixture()
    await fixture.enrol('bob', 8, [scratchCodeHash(SEED, 'bob', '54404531')])
    const use = async (typed: string) =>
      reasonOf(await fixture.login(typed, { state: stateOf(await fixture.login('right')) }))
    expect(await use('54404531')).toBe('challenge')
    expect(await use(fixture.code(0, 8))).toBe('grant')
  })
})

describe('a login with the code behind the password', () => {
  it.each([
    ['right', 6],
    ['right', 8],
    ['abc123456', 6],
    ['12345678', 8],
    ['王伟', 6],
  ] as const)('splits %s and a code of %i digits', async (password, digits) => {
    const fixture = await createLoginFixture({ mode: 'append' })
    fixture.people.passwords.set('bob', password)
    await fixture.enrol('bob', digits)
    expect(reasonOf(await fixture.login(password + fixture.code(0, digits)))).toBe('grant')
    expect(fixture.people.asked).toEqual([password])
  })

  it('refuses in the same words without a code, with a wrong one and with a wrong password', async () => {
    const fixture = await fixtureWithBob({ mode: 'append' })
    expect(reasonOf(await fixture.login('right'))).toBe('wrong_code')
    expect(reasonOf(await fixture.login('right000000'))).toBe('wrong_code')
    expect(reasonOf(await fixture.login(`wrong${fixture.code()}`))).toBe('bad_credentials')
    expect(reasonOf(await fixture.login(fixture.code()))).toBe('bad_credentials')
    expect(fixture.people.asked, 'nobody is asked about a code without a password').not.toContain('')
  })

  it('takes a recovery code there too', async () => {
    const fixture = await createLoginFixture({ mode: 'append' })
    const code = newRecoveryCode(systemRandom)
    await fixture.enrol('bob', 6, [recoveryCodeHash('bob', code)])
    expect(reasonOf(await fixture.login(`right${code}`))).toBe('grant')
    expect(reasonOf(await fixture.login(`right${code}`))).toBe('wrong_code')
  })

  it('takes a scratch code with its hyphen', async () => {
    const fixture = await createLoginFixture({ mode: 'append' })
    await fixture.enrol('bob', 6, [scratchCodeHash(SEED, 'bob', '54404531')])
    expect(reasonOf(await fixture.login('right5440-4531'))).toBe('grant')
    expect(reasonOf(await fixture.login('right5440-4531'))).toBe('wrong_code')
  })
})

describe('a login with either', () => {
  it('takes an appended code, and otherwise asks for one', async () => {
    const fixture = await fixtureWithBob({ mode: 'either' })
    expect(reasonOf(await fixture.login(`right${fixture.code()}`))).toBe('grant')
    fixture.passes(30_000)
    expect(
      reasonOf(await fixture.login(fixture.code(), { state: stateOf(await fixture.login('right')) })),
    ).toBe('grant')
  })

  it('recognises a code after the password that was used before', async () => {
    const fixture = await fixtureWithBob({ mode: 'either' })
    const typed = `right${fixture.code()}`
    expect(reasonOf(await fixture.login(typed))).toBe('grant')
    expect(reasonOf(await fixture.login(typed))).toBe('code_used')
    expect(fixture.people.asked).toEqual(['right', 'right'])
  })

  it('takes the end of a password for no scratch code', async () => {
    const fixture = await fixtureWithBob({ mode: 'either' })
    fixture.people.passwords.set('bob', 'abc5440-4531')
    expect(reasonOf(await fixture.login('abc5440-4531'))).toBe('challenge')
  })

  it('asks for a code where a password ends in digits that are none', async () => {
    const fixture = await fixtureWithBob({ mode: 'either' })
    fixture.people.passwords.set('bob', 'abc000000')
    expect(reasonOf(await fixture.login('abc000000'))).toBe('challenge')
  })
})

describe('a login with the code only', () => {
  it('grants for the right code and asks no password', async () => {
    const fixture = await fixtureWithBob({ mode: 'only' })
    expect(reasonOf(await fixture.login(fixture.code()))).toBe('grant')
    expect(fixture.people.asked).toEqual([])
  })

  it('refuses a wrong code, an unknown user, and a user without an authenticator whatever is required', async () => {
    const fixture = await fixtureWithBob({ mode: 'only', required: false })
    fixture.people.passwords.set('eve', '')
    expect(reasonOf(await fixture.login('000000'))).toBe('wrong_code')
    expect(reasonOf(await fixture.login(fixture.code(), { user: 'nobody' }))).toBe('bad_credentials')
    expect(reasonOf(await fixture.login(fixture.code(), { user: 'eve' })), 'who exists is not told').toBe(
      'wrong_code',
    )
  })
})

describe('limits and lockouts', () => {
  it('let at most five of 200 parallel guesses reach the password check', async () => {
    const fixture = await fixtureWithBob()
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => fixture.login(`guess ${i}`)))
    expect(fixture.people.asked.length).toBeLessThanOrEqual(5)
    expect(answers.every(({ kind }) => kind === 'refusal')).toBe(true)
    expect(await fixture.records.lockouts.list({ user: 'bob', limit: 9 })).toHaveLength(1)
  })

  it('let at most five of 200 parallel guesses through by the rate of a user, wherever they come from', async () => {
    const fixture = await createLoginFixture({ userRate: 10 })
    const from = (i: number) => ({ address: `198.51.100.${i}` })
    await Promise.all(Array.from({ length: 200 }, (_, i) => fixture.login(`guess ${i}`, from(i))))
    expect(fixture.people.asked).toHaveLength(5)
  })

  it.each([
    ['of another store', 'bob@partner', ['user_address']],
    ['of the same store, by any name', 'bob', []],
  ])('after a success %s forget failures only of that store', async (_, user, locked) => {
    const fixture = await createLoginFixture({ realms: ['corp', 'partner'], required: false })
    const fail = async () => reasonOf(await fixture.login('wrong', { user: 'bob@corp' }))
    for (let i = 0; i < 4; i += 1) expect(await fail()).toBe('bad_credentials')
    expect(reasonOf(await fixture.login('right', { user }))).toBe('grant')
    expect(await fail()).toBe('bad_credentials')
    const locks = await fixture.records.lockouts.list({ limit: 9 })
    expect(locks.map(({ scope }) => scope)).toEqual(locked)
  })

  it('take an empty password for no guess: it locks nobody and spends only the rates of gateway and address', async () => {
    const fixture = await createLoginFixture({ userRate: 10, addressRate: 30 })
    await fixture.enrol('bob')
    const reasons: string[] = []
    for (let i = 0; i < 30; i += 1) reasons.push(reasonOf(await fixture.login('')))
    expect(new Set(reasons)).toEqual(new Set(['bad_credentials']))
    expect(reasonOf(await fixture.login(''))).toBe('rate_limited')
    expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
    expect(reasonOf(await fixture.login('right', { address: '198.51.100.8' }))).toBe('challenge')
    for (let i = 0; i < 4; i += 1)
      expect(reasonOf(await fixture.login('wrong', { address: '198.51.100.8' }))).toBe('bad_credentials')
  })

  it('check and count a request once, however often it is sent again', async () => {
    const fixture = await fixtureWithBob()
    const [mistyped, right] = [{ request: 'mistyped' }, { request: 'right' }]
    expect(reasonOf(await fixture.login('wrong', mistyped))).toBe('bad_credentials')
    expect(reasonOf(await fixture.login('right', right))).toBe('challenge')
    fixture.entered()
    for (let i = 0; i < 20; i += 1) {
      expect(await fixture.login('wrong', mistyped)).toMatchObject({
        reason: 'repeated_request',
        counts: false,
      })
      expect(reasonOf(await fixture.login('right', right))).toBe('repeated_request')
    }
    expect(new Set(fixture.entered())).toEqual(new Set(['takePermit']))
    expect(fixture.people.asked).toEqual(['wrong', 'right'])
    expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
    const events = await fixture.records.audit.list({ limit: 99 })
    expect(events.map(({ kind }) => kind).sort()).toEqual(['login.challenged', 'login.refused'])
  })

  it('try a request again after an outage, of the store or of the records', async () => {
    const fixture = await fixtureWithBob()
    fixture.people.isDown = true
    const request = { request: 'once' }
    for (let i = 0; i < 3; i += 1) expect(reasonOf(await fixture.login('right', request))).toBe('unavailable')
    fixture.people.isDown = false
    expect(reasonOf(await fixture.login('right', request))).toBe('challenge')
    expect(reasonOf(await fixture.login('right', request))).toBe('repeated_request')

    const { records, ...unenrolled } = await createLoginFixture()
    const append = vi.spyOn(records.audit, 'append').mockRejectedValue(new Unavailable('records', 'down'))
    expect(reasonOf(await unenrolled.login('right', request))).toBe('unavailable')
    append.mockRestore()
    expect(reasonOf(await unenrolled.login('right', request))).toBe('no_second_factor')
    expect(reasonOf(await unenrolled.login('right', request))).toBe('repeated_request')
  })

  it('lock after the fifth failure, say nothing of the password, and open after the time', async () => {
    const fixture = await fixtureWithBob()
    for (let i = 0; i < 5; i += 1) expect(reasonOf(await fixture.login('wrong'))).toBe('bad_credentials')
    const asked = fixture.people.asked.length
    expect(await fixture.login('right')).toEqual(await fixture.login('wrong'))
    expect(await fixture.login('right')).toMatchObject({
      reason: 'locked',
      retryAfterMs: 300_000,
      counts: false,
    })
    expect(fixture.people.asked).toHaveLength(asked)
    expect(fixture.people.pretended, 'a lock costs no check').toBe(0)
    fixture.passes(300_000)
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
  })

  it('let the store prefetch without a password, and dispose of that where the user is locked', async () => {
    const fixture = await fixtureWithBob()
    const { store } = fixture.people
    const seen: string[] = []
    fixture.people.store = {
      ...store,
      prefetch(name, deadline) {
        seen.push('prefetched')
        return {
          complete(password) {
            seen.push('completed')
            return store.authenticate(name, password, deadline)
          },
          [Symbol.dispose]: () => void seen.push('disposed'),
        }
      },
    }
    const challenge = await fixture.login('right')
    expect(seen.splice(0)).toEqual(['prefetched', 'completed', 'disposed'])
    expect(reasonOf(await fixture.login(fixture.code(), { state: stateOf(challenge) }))).toBe('grant')
    expect(reasonOf(await fixture.login(''))).toBe('bad_credentials')
    expect(seen).toEqual([])
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong')
    seen.length = 0
    expect(reasonOf(await fixture.login('right'))).toBe('locked')
    expect(seen).toEqual(['prefetched', 'disposed'])
  })

  it('lock one address of the user, not the others', async () => {
    const fixture = await fixtureWithBob()
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong')
    expect(reasonOf(await fixture.login('right'))).toBe('locked')
    expect(reasonOf(await fixture.login('right', { address: '203.0.113.9' }))).toBe('challenge')
  })

  it('lock twice as long the second time', async () => {
    const fixture = await fixtureWithBob()
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong')
    fixture.passes(300_000)
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong')
    expect(await fixture.login('right')).toMatchObject({ reason: 'locked', retryAfterMs: 600_000 })
  })

  it('count wrong codes as failures, and lock in the middle of a challenge', async () => {
    const fixture = await fixtureWithBob({ rules: { after: 2 } })
    const again = await fixture.login('000000', { state: stateOf(await fixture.login('right')) })
    expect(reasonOf(await fixture.login('000000', { state: stateOf(again) }))).toBe('locked')
  })

  it('do not count a right password that awaits its code, nor forget failures for it', async () => {
    const fixture = await fixtureWithBob()
    for (let i = 0; i < 20; i += 1) expect(reasonOf(await fixture.login('right'))).toBe('challenge')
    for (let i = 0; i < 4; i += 1) await fixture.login('wrong')
    await fixture.login('right')
    await fixture.login('wrong')
    expect(reasonOf(await fixture.login('right'))).toBe('locked')
  })

  it('forget failures after a whole login', async () => {
    const fixture = await fixtureWithBob()
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 4; i += 1) await fixture.login('wrong')
      const grant = await fixture.login(fixture.code(), { state: stateOf(await fixture.login('right')) })
      expect(reasonOf(grant)).toBe('grant')
      fixture.passes(30_000)
    }
  })

  it('lock permanently after the hundredth failure in a row, until the lock is released', async () => {
    const fixture = await fixtureWithBob({ rules: { after: 1000, userAfter: 1000, addressAfter: 1000 } })
    for (let i = 0; i < 100; i += 1) await fixture.login('wrong')
    fixture.passes(365 * 86_400_000)
    const locked = await fixture.login('right')
    expect(locked).toMatchObject({ reason: 'locked' })
    expect(locked).not.toHaveProperty('retryAfterMs', expect.anything())
    await fixture.records.lockouts.releaseUser('bob', 'admin', 'called in', fixture.time.now)
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
  })

  it('lock an address that fails over many users, by itself', async () => {
    const fixture = await fixtureWithBob({ rules: { addressAfter: 10 } })
    for (let i = 0; i < 10; i += 1) await fixture.login('wrong', { user: `user${i}` })
    expect(reasonOf(await fixture.login('right'))).toBe('locked')
    expect(reasonOf(await fixture.login('right', { address: '203.0.113.9' }))).toBe('challenge')
  })

  it('for failures elsewhere do not bar the user from a known address, at the last step either', async () => {
    const fixture = await fixtureWithBob({ rules: { userAfter: 5 } })
    const home = { address: '198.51.100.7' }
    const enter = async (from = home) => {
      const challenge = await fixture.login('right', from)
      if (challenge.kind !== 'challenge') return challenge
      const grant = await fixture.login(fixture.code(), { state: challenge.state, ...from })
      fixture.passes(30_000)
      return grant
    }
    expect(reasonOf(await enter())).toBe('grant')
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong', { address: `203.0.113.${i}` })
    expect(reasonOf(await enter({ address: '203.0.113.99' }))).toBe('locked')
    expect(reasonOf(await enter())).toBe('grant')
    fixture.passes(30 * 86_400_000)
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong', { address: `203.0.113.${i}` })
    expect(reasonOf(await enter())).toBe('locked')
  })

  it('leave room for the user at a known address, however many strangers’ refusals are held at the same time', async () => {
    const fixture = await fixtureWithBob({ userRate: 16, rules: { after: 4, userAfter: 5 } })
    const challenge = await fixture.login('right')
    expect(reasonOf(await fixture.login(fixture.code(), { state: stateOf(challenge) }))).toBe('grant')
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong', { address: `203.0.113.${i}` })
    fixture.passes(60_000)
    for (let i = 0; i < 30; i += 1) {
      const refused = await fixture.login('wrong', { address: `203.0.113.${i % 2}` })
      expect(refused).toMatchObject({ reason: 'locked', answerAt: expect.any(Number) })
    }
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
  })

  it('refuse in the rate of an address, too, and check no password for it', async () => {
    const fixture = await fixtureWithBob({ addressRate: 9 })
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong', { user: 'nobody' })
    const pretended = fixture.people.pretended
    for (let i = 0; i < 4; i += 1)
      expect(reasonOf(await fixture.login('wrong', { user: 'nobody' }))).toBe('locked')
    expect(fixture.people.pretended).toBe(pretended)
    expect(reasonOf(await fixture.login('wrong', { user: 'nobody' }))).toBe('rate_limited')
    expect(reasonOf(await fixture.login('right'))).toBe('rate_limited')
    fixture.passes(60_000)
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
  })

  it('take points of the address for a State that nobody knows', async () => {
    const fixture = await fixtureWithBob({ addressRate: 3 })
    for (let i = 0; i < 3; i += 1)
      expect(reasonOf(await fixture.login('000000', { state: `no state ${i}` }))).toBe('challenge_expired')
    expect(reasonOf(await fixture.login('000000', { state: 'no state' }))).toBe('rate_limited')
  })

  it('bar the user from a known address for failures there', async () => {
    const fixture = await fixtureWithBob({ rules: { userAfter: 3, after: 3 } })
    const grant = await fixture.login(fixture.code(), { state: stateOf(await fixture.login('right')) })
    expect(reasonOf(grant)).toBe('grant')
    for (let i = 0; i < 3; i += 1) await fixture.login('wrong')
    expect(reasonOf(await fixture.login('right'))).toBe('locked')
  })

  it('are neither made nor applied in a trusted network, but by the hard limit', async () => {
    const trusted = parseNetwork('198.51.100.0/24') ?? expect.unreachable()
    const fixture = await fixtureWithBob({
      exempt: [trusted],
      rules: { after: 2, userAfter: 4, addressAfter: 3, hardAfter: 12 },
    })
    for (let i = 0; i < 8; i += 1) expect(reasonOf(await fixture.login('wrong'))).toBe('bad_credentials')
    expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
    const elsewhere = { address: '203.0.113.9' }
    for (let i = 0; i < 2; i += 1) await fixture.login('wrong', elsewhere)
    expect(reasonOf(await fixture.login('right', elsewhere))).toBe('locked')
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
    for (let i = 0; i < 2; i += 1) await fixture.login('wrong')
    expect(await fixture.login('right')).toMatchObject({ reason: 'locked', retryAfterMs: undefined })
  })

  it('lock a stranger just as soon, whatever failures come from a trusted network meanwhile', async () => {
    const trusted = parseNetwork('198.51.100.0/24') ?? expect.unreachable()
    const fixture = await fixtureWithBob({ exempt: [trusted], rules: { after: 9, userAfter: 4 } })
    const stranger = (host: number) => fixture.login('wrong', { address: `203.0.113.${host}` })
    for (let i = 0; i < 3; i += 1) await stranger(i)
    for (let i = 0; i < 2; i += 1) expect(reasonOf(await fixture.login('wrong'))).toBe('bad_credentials')
    expect(reasonOf(await stranger(3))).toBe('bad_credentials')
    expect(reasonOf(await stranger(4))).toBe('locked')
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
  })

  it('count one user under every spelling of the name', async () => {
    const fixture = await fixtureWithBob()
    for (const user of ['bob', 'Bob', 'BOB', 'bob@corp.example', 'CORP\\bob'])
      await fixture.login('wrong', { user })
    expect(reasonOf(await fixture.login('right'))).toBe('locked')
  })

  it('give all points back during an outage, however long', async () => {
    const fixture = await fixtureWithBob({ userRate: 10 })
    fixture.people.isDown = true
    for (let i = 0; i < 50; i += 1) expect(reasonOf(await fixture.login('right'))).toBe('unavailable')
    fixture.people.isDown = false
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
    expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
  })

  it('bound how often a stolen password can bring a prompt', async () => {
    const fixture = await fixtureWithBob({ userRate: 4 })
    const answers: string[] = []
    for (let i = 0; i < 6; i += 1) answers.push(reasonOf(await fixture.login('right')))
    expect(answers).toEqual([...Array(4).fill('challenge'), 'rate_limited', 'rate_limited'])
    expect(fixture.people.asked).toHaveLength(4)
    fixture.passes(60_000)
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
  })

  it('take one point of a login by challenge while it lasts, and none of one that got in', async () => {
    const fixture = await fixtureWithBob({ userRate: 4 })
    for (let round = 0; round < 6; round += 1) {
      const state = stateOf(await fixture.login('right'))
      expect(reasonOf(await fixture.login(fixture.code(), { state }))).toBe('grant')
      fixture.time.now += 30_000 // another code, and still the same window: that goes by the other clock
    }
  })

  it('leave an honest user room for two wrong passwords and two wrong codes', async () => {
    const fixture = await fixtureWithBob({ userRate: 10 })
    for (let i = 0; i < 2; i += 1) await fixture.login('wrong')
    let challenge = await fixture.login('right')
    for (let i = 0; i < 2; i += 1) challenge = await fixture.login('000000', { state: stateOf(challenge) })
    expect(reasonOf(await fixture.login(fixture.code(), { state: stateOf(challenge) }))).toBe('grant')
  })

  it('bound how many passwords are tried at a store that is silent about wrong ones, and lock nobody for it', async () => {
    const fixture = await fixtureWithBob({ userRate: 20, rules: { after: 3, userAfter: 3, addressAfter: 3 } })
    fixture.people.isSilent = true
    for (let i = 0; i < 50; i += 1) await fixture.login(`guess ${i}`)
    expect(fixture.people.asked).toHaveLength(10)
    expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
    fixture.people.isSilent = false
    fixture.passes(60_000)
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
  })
})

describe('a user whose reply no packet can carry', () => {
  it.each([
    ['too many routes', { routes: Array.from({ length: 300 }, (_, i) => `10.${i}.0.0/24`) }, '4096'],
    ['an unknown attribute', { attributes: { 'No-Such-Attribute': 'x' } }, 'No-Such-Attribute'],
  ])(
    'is refused for %s before the code is spent, and the policy is named',
    async (_what, attributes, fault) => {
      const fixture = await fixtureWithBob()
      fixture.people.accounts.set('bob', { groups: [], attributes })
      const state = stateOf(await fixture.login('right'))
      const refusal = await fixture.login(fixture.code(), { state })
      expect(refusal).toMatchObject({ reason: 'no_policy', detail: expect.stringContaining(fault) })
      expect(refusal).toMatchObject({ detail: expect.stringContaining('policy everyone') })
      expect(await fixture.records.sessions.list({ limit: 9 })).toEqual([])
      fixture.people.accounts.clear()
      const other = stateOf(await fixture.login('right'))
      expect(reasonOf(await fixture.login(fixture.code(), { state: other }))).toBe('grant')
    },
  )
})

describe('a refusal', () => {
  it.each(['challenge', 'append', 'either', 'only'] as const)(
    'comes for an empty password without asking anybody (mode: %s)',
    async (mode) => {
      const fixture = await fixtureWithBob({ mode })
      fixture.people.passwords.set('bob', '')
      expect(reasonOf(await fixture.login(''))).toBe('bad_credentials')
      expect(fixture.people.asked).toEqual([])
    },
  )

  it('is the same for an unknown, a barred and a known user with a wrong password, to the one who asks', async () => {
    const fixture = await fixtureWithBob()
    fixture.people.passwords.set('eve', 'right')
    fixture.people.barred.add('eve')
    expect(reasonOf(await fixture.login('right', { user: 'nobody' }))).toBe('bad_credentials')
    expect(fixture.people.pretended).toBe(1)
    expect(reasonOf(await fixture.login('right', { user: 'eve' }))).toBe('barred')
  })

  it('comes where no policy applies, or the first that does refuses', async () => {
    const groups = [{ name: 'staff', when: { groups: ['staff'] }, reply: {} }]
    const deny = [
      { name: 'out', when: { groups: ['temps'] } },
      { name: 'all', when: {}, reply: {} },
    ]
    for (const policies of [groups, deny]) {
      const fixture = await createLoginFixture({ required: false, policies })
      fixture.people.accounts.set('bob', { groups: ['temps'], attributes: {} })
      expect(reasonOf(await fixture.login('right'))).toBe('no_policy')
      expect(await fixture.records.sessions.list({ limit: 9 })).toEqual([])
    }
  })

  it('comes when the deadline passed while a slow store was asked, and the code is not spent', async () => {
    const fixture = await fixtureWithBob({ mode: 'append' })
    expect(reasonOf(await fixture.login(`right${fixture.code()}`, { deadline: 0 }))).toBe('unavailable')
    expect(reasonOf(await fixture.login(`right${fixture.code()}`))).toBe('grant')
  })
})

describe('a grant', () => {
  it('follows the first policy that applies, and the own addresses of the user go before it', async () => {
    const home = parseNetwork('198.51.100.0/24') ?? expect.unreachable()
    const fixture = await createLoginFixture({
      required: false,
      policies: [
        { name: 'elsewhere', when: { gateways: ['gw2'] }, reply: {} },
        { name: 'home', when: { networks: [home] }, reply: { ipv4: '10.8.0.9', dns: ['10.0.0.53'] } },
        { name: 'all', when: {}, reply: {} },
      ],
    })
    fixture.people.accounts.set('bob', { groups: [], attributes: { ipv4: '10.8.0.77' } })
    expect(await fixture.login('right')).toMatchObject({
      policy: 'home',
      entitlement: { ipv4: '10.8.0.77', dns: ['10.0.0.53'] },
    })
    expect(await fixture.login('right', { address: '203.0.113.9' })).toMatchObject({ policy: 'all' })
    expect(await fixture.login('right', { gateway: 'gw2' })).toMatchObject({ policy: 'elsewhere' })
  })
})
