import { describe, expect, it } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { Decision } from '../../src/login/decide.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'

async function houseWithBob(options?: HouseOptions): Promise<House> {
  const house = await openHouse(options)
  await house.enrol('bob')
  return house
}

function stateOf(decision: Decision): string {
  return decision.kind === 'challenge'
    ? decision.state
    : expect.unreachable(`${decision.kind} is no challenge`)
}

const reasonOf = (decision: Decision) => (decision.kind === 'refusal' ? decision.reason : decision.kind)

describe('a login by challenge', () => {
  it('asks for the code after the right password and grants after the right code', async () => {
    const house = await houseWithBob()
    const challenge = await house.login('right')
    expect(challenge).toMatchObject({ kind: 'challenge', prompt: { kind: 'enter_code' } })
    const grant = await house.login(house.code(), { state: stateOf(challenge) })
    expect(grant).toMatchObject({
      kind: 'grant',
      policy: 'everyone',
      entitlement: { routes: ['10.0.0.0/8'] },
    })
    expect(await house.records.sessions.list({ limit: 9 })).toMatchObject([{ user: 'bob', gateway: 'gw1' }])
    expect((await house.records.audit.list({ limit: 9 })).map(({ kind }) => kind)).toContain('login.accepted')
  })

  it('asks again with another prompt after a wrong code, counts it, and ends after the third', async () => {
    const house = await houseWithBob()
    const prompts: unknown[] = []
    let answer = await house.login('right')
    for (let tries = 0; tries < 3; tries += 1) {
      if (answer.kind === 'challenge') prompts.push(answer.prompt)
      answer = await house.login('000000', { state: stateOf(answer) })
    }
    expect(prompts).toEqual([
      { kind: 'enter_code' },
      { kind: 'wrong_code', triesLeft: 2 },
      { kind: 'wrong_code', triesLeft: 1 },
    ])
    expect(reasonOf(answer)).toBe('wrong_code')
    const failures = await house.records.audit.list({ kind: 'login.refused', limit: 9 })
    expect(failures.map(({ reason }) => reason)).toEqual(['wrong_code', 'wrong_code', 'wrong_code'])
  })

  it('takes the right code after a wrong one', async () => {
    const house = await houseWithBob()
    const again = await house.login('000000', { state: stateOf(await house.login('right')) })
    expect(reasonOf(await house.login(house.code(), { state: stateOf(again) }))).toBe('grant')
  })

  it('takes no code twice, in a second login either', async () => {
    const house = await houseWithBob()
    await house.login(house.code(), { state: stateOf(await house.login('right')) })
    const replay = await house.login(house.code(), { state: stateOf(await house.login('right')) })
    expect(replay).toMatchObject({ kind: 'challenge', prompt: { kind: 'used_code', triesLeft: 2 } })
    house.passes(30_000)
    expect(reasonOf(await house.login(house.code(), { state: stateOf(replay) }))).toBe('grant')
  })

  it('grants one of 500 parallel uses of one code', async () => {
    const house = await houseWithBob({
      rules: { after: 1000, userAfter: 1000, addressAfter: 1000, hardAfter: 1000 },
    })
    const states = await Promise.all(
      Array.from({ length: 500 }, async () => stateOf(await house.login('right'))),
    )
    const code = house.code()
    const answers = await Promise.all(states.map((state) => house.login(code, { state })))
    expect(answers.filter(({ kind }) => kind === 'grant')).toHaveLength(1)
    expect(await house.records.sessions.list({ limit: 9 })).toHaveLength(1)
  })

  it('is told apart by a State that nobody can guess', async () => {
    const house = await houseWithBob()
    const states = new Set<string>()
    for (let i = 0; i < 20; i += 1) states.add(stateOf(await house.login('right')))
    expect(states.size).toBe(20)
    for (const state of states) expect(Buffer.from(state, 'base64url').length * 8).toBeGreaterThanOrEqual(128)
  })

  it('takes a State once, also where two answers come at the same moment', async () => {
    const house = await houseWithBob()
    const state = stateOf(await house.login('right'))
    const answers = await Promise.all([
      house.login('000000', { state }),
      house.login(house.code(), { state }),
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
    const house = await houseWithBob()
    const state = stateOf(await house.login('right'))
    expect(reasonOf(await house.login(house.code(), { state, ...change }))).toBe(reason)
    const after = await house.login(house.code(), { state })
    expect(reasonOf(after)).toBe('state' in change ? 'grant' : 'challenge_expired')
  })

  it('refuses an answer that comes after 120 s', async () => {
    const house = await houseWithBob()
    const state = stateOf(await house.login('right'))
    house.passes(120_000)
    expect(reasonOf(await house.login(house.code(), { state }))).toBe('challenge_expired')
  })

  it('refuses a user without an authenticator, and lets them in where it is not required', async () => {
    expect(reasonOf(await (await openHouse()).login('right'))).toBe('no_second_factor')
    expect(reasonOf(await (await openHouse({ required: false })).login('right'))).toBe('grant')
    expect(reasonOf(await (await houseWithBob({ required: false })).login('right'))).toBe('challenge')
  })

  it('takes a recovery code once, and asks again after a false one', async () => {
    const house = await openHouse()
    const code = newRecoveryCode(systemRandom)
    await house.enrol('bob', 6, [recoveryCodeHash('bob', code)])
    const use = async () => house.login(code.toUpperCase(), { state: stateOf(await house.login('right')) })
    expect(reasonOf(await use())).toBe('grant')
    expect(await use()).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code', triesLeft: 2 } })
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
    const house = await openHouse({ mode: 'append' })
    house.people.passwords.set('bob', password)
    await house.enrol('bob', digits)
    expect(reasonOf(await house.login(password + house.code(0, digits)))).toBe('grant')
    expect(house.people.asked).toEqual([password])
  })

  it('refuses in the same words without a code, with a wrong one and with a wrong password', async () => {
    const house = await houseWithBob({ mode: 'append' })
    expect(reasonOf(await house.login('right'))).toBe('wrong_code')
    expect(reasonOf(await house.login('right000000'))).toBe('wrong_code')
    expect(reasonOf(await house.login(`wrong${house.code()}`))).toBe('bad_credentials')
    expect(reasonOf(await house.login(house.code()))).toBe('bad_credentials')
    expect(house.people.asked, 'nobody is asked about a code without a password').not.toContain('')
  })

  it('takes a recovery code there too', async () => {
    const house = await openHouse({ mode: 'append' })
    const code = newRecoveryCode(systemRandom)
    await house.enrol('bob', 6, [recoveryCodeHash('bob', code)])
    expect(reasonOf(await house.login(`right${code}`))).toBe('grant')
    expect(reasonOf(await house.login(`right${code}`))).toBe('wrong_code')
  })
})

describe('a login with either', () => {
  it('takes an appended code, and otherwise asks for one', async () => {
    const house = await houseWithBob({ mode: 'either' })
    expect(reasonOf(await house.login(`right${house.code()}`))).toBe('grant')
    house.passes(30_000)
    expect(reasonOf(await house.login(house.code(), { state: stateOf(await house.login('right')) }))).toBe(
      'grant',
    )
  })

  it('knows a code that was used behind the password for what it is', async () => {
    const house = await houseWithBob({ mode: 'either' })
    const typed = `right${house.code()}`
    expect(reasonOf(await house.login(typed))).toBe('grant')
    expect(reasonOf(await house.login(typed))).toBe('code_used')
    expect(house.people.asked).toEqual(['right', 'right'])
  })

  it('asks for a code where a password ends in digits that are none', async () => {
    const house = await houseWithBob({ mode: 'either' })
    house.people.passwords.set('bob', 'abc000000')
    expect(reasonOf(await house.login('abc000000'))).toBe('challenge')
  })
})

describe('a login with the code only', () => {
  it('grants for the right code and asks no password', async () => {
    const house = await houseWithBob({ mode: 'only' })
    expect(reasonOf(await house.login(house.code()))).toBe('grant')
    expect(house.people.asked).toEqual([])
  })

  it('refuses a wrong code, an unknown user, and a user without an authenticator whatever is required', async () => {
    const house = await houseWithBob({ mode: 'only', required: false })
    house.people.passwords.set('eve', '')
    expect(reasonOf(await house.login('000000'))).toBe('wrong_code')
    expect(reasonOf(await house.login(house.code(), { user: 'nobody' }))).toBe('bad_credentials')
    expect(reasonOf(await house.login(house.code(), { user: 'eve' })), 'who exists is not told').toBe(
      'wrong_code',
    )
  })
})

describe('limits and lockouts', () => {
  it('let at most five of 200 parallel guesses reach the password check', async () => {
    const house = await houseWithBob()
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => house.login(`guess ${i}`)))
    expect(house.people.asked.length).toBeLessThanOrEqual(5)
    expect(answers.every(({ kind }) => kind === 'refusal')).toBe(true)
    expect(await house.records.lockouts.list({ user: 'bob', limit: 9 })).toHaveLength(1)
  })

  it('let at most five of 200 parallel guesses through by the rate of a user, wherever they come from', async () => {
    const house = await openHouse({ userRate: 5 })
    const from = (i: number) => ({ address: `198.51.100.${i}` })
    await Promise.all(Array.from({ length: 200 }, (_, i) => house.login(`guess ${i}`, from(i))))
    expect(house.people.asked).toHaveLength(5)
  })

  it('lock after the fifth failure, say nothing of the password, and open after the time', async () => {
    const house = await houseWithBob()
    for (let i = 0; i < 5; i += 1) expect(reasonOf(await house.login('wrong'))).toBe('bad_credentials')
    const asked = house.people.asked.length
    expect(await house.login('right')).toEqual(await house.login('wrong'))
    expect(await house.login('right')).toMatchObject({
      reason: 'locked',
      retryAfterMs: 300_000,
      counts: false,
    })
    expect(house.people.asked).toHaveLength(asked)
    expect(house.people.pretended).toBe(3)
    house.passes(300_000)
    expect(reasonOf(await house.login('right'))).toBe('challenge')
  })

  it('have the store begin with nobody’s password, and leave off where the user is locked', async () => {
    const house = await houseWithBob()
    const { store } = house.people
    const seen: string[] = []
    house.people.store = {
      ...store,
      begin(name, deadline) {
        seen.push('begun')
        return {
          finish(password) {
            seen.push('finished')
            return store.authenticate(name, password, deadline)
          },
          [Symbol.dispose]: () => void seen.push('left'),
        }
      },
    }
    const challenge = await house.login('right')
    expect(seen.splice(0)).toEqual(['begun', 'finished', 'left'])
    expect(reasonOf(await house.login(house.code(), { state: stateOf(challenge) }))).toBe('grant')
    expect(reasonOf(await house.login(''))).toBe('bad_credentials')
    expect(seen).toEqual([])
    for (let i = 0; i < 5; i += 1) await house.login('wrong')
    seen.length = 0
    expect(reasonOf(await house.login('right'))).toBe('locked')
    expect(seen).toEqual(['begun', 'left'])
  })

  it('lock one address of the user, not the others', async () => {
    const house = await houseWithBob()
    for (let i = 0; i < 5; i += 1) await house.login('wrong')
    expect(reasonOf(await house.login('right'))).toBe('locked')
    expect(reasonOf(await house.login('right', { address: '203.0.113.9' }))).toBe('challenge')
  })

  it('lock twice as long the second time', async () => {
    const house = await houseWithBob()
    for (let i = 0; i < 5; i += 1) await house.login('wrong')
    house.passes(300_000)
    for (let i = 0; i < 5; i += 1) await house.login('wrong')
    expect(await house.login('right')).toMatchObject({ reason: 'locked', retryAfterMs: 600_000 })
  })

  it('count wrong codes as failures, and lock in the middle of a challenge', async () => {
    const house = await houseWithBob({ rules: { after: 2 } })
    const again = await house.login('000000', { state: stateOf(await house.login('right')) })
    expect(reasonOf(await house.login('000000', { state: stateOf(again) }))).toBe('locked')
  })

  it('do not count a right password that awaits its code, nor forget failures for it', async () => {
    const house = await houseWithBob()
    for (let i = 0; i < 20; i += 1) expect(reasonOf(await house.login('right'))).toBe('challenge')
    for (let i = 0; i < 4; i += 1) await house.login('wrong')
    await house.login('right')
    await house.login('wrong')
    expect(reasonOf(await house.login('right'))).toBe('locked')
  })

  it('forget failures after a whole login', async () => {
    const house = await houseWithBob()
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 4; i += 1) await house.login('wrong')
      const grant = await house.login(house.code(), { state: stateOf(await house.login('right')) })
      expect(reasonOf(grant)).toBe('grant')
      house.passes(30_000)
    }
  })

  it('lock for good after the hundredth failure in a row, until somebody releases it', async () => {
    const house = await houseWithBob({ rules: { after: 1000, userAfter: 1000, addressAfter: 1000 } })
    for (let i = 0; i < 100; i += 1) await house.login('wrong')
    house.passes(365 * 86_400_000)
    const locked = await house.login('right')
    expect(locked).toMatchObject({ reason: 'locked' })
    expect(locked).not.toHaveProperty('retryAfterMs', expect.anything())
    await house.records.lockouts.releaseUser('bob', 'admin', 'called in', house.time.now)
    expect(reasonOf(await house.login('right'))).toBe('challenge')
  })

  it('lock an address that fails over many users, by itself', async () => {
    const house = await houseWithBob({ rules: { addressAfter: 10 } })
    for (let i = 0; i < 10; i += 1) await house.login('wrong', { user: `user${i}` })
    expect(reasonOf(await house.login('right'))).toBe('locked')
    expect(reasonOf(await house.login('right', { address: '203.0.113.9' }))).toBe('challenge')
  })

  it('for failures elsewhere do not bar the user from a known address, at the last step either', async () => {
    const house = await houseWithBob({ rules: { userAfter: 5 } })
    const home = { address: '198.51.100.7' }
    const enter = async (from = home) => {
      const challenge = await house.login('right', from)
      if (challenge.kind !== 'challenge') return challenge
      const grant = await house.login(house.code(), { state: challenge.state, ...from })
      house.passes(30_000)
      return grant
    }
    expect(reasonOf(await enter())).toBe('grant')
    for (let i = 0; i < 5; i += 1) await house.login('wrong', { address: `203.0.113.${i}` })
    expect(reasonOf(await enter({ address: '203.0.113.99' }))).toBe('locked')
    expect(reasonOf(await enter())).toBe('grant')
    house.passes(30 * 86_400_000)
    for (let i = 0; i < 5; i += 1) await house.login('wrong', { address: `203.0.113.${i}` })
    expect(reasonOf(await enter())).toBe('locked')
  })

  it('leave room for the user at a known address, however many strangers they refuse at a time', async () => {
    const house = await houseWithBob({ userRate: 8, rules: { after: 4, userAfter: 5 } })
    const challenge = await house.login('right')
    expect(reasonOf(await house.login(house.code(), { state: stateOf(challenge) }))).toBe('grant')
    for (let i = 0; i < 5; i += 1) await house.login('wrong', { address: `203.0.113.${i}` })
    house.passes(60_000)
    const { promise: pretending, resolve: end } = Promise.withResolvers<void>()
    house.people.pretending = pretending
    const strangers: Promise<Decision>[] = []
    for (let i = 0; i < 30; i += 1) {
      const before = house.people.pretended
      strangers.push(house.login('wrong', { address: `203.0.113.${i % 2}` }))
      await expect.poll(() => house.people.pretended, { interval: 1 }).toBe(before + 1)
    }
    expect(reasonOf(await house.login('right'))).toBe('challenge')
    end()
    expect((await Promise.all(strangers)).map(reasonOf)).toEqual(strangers.map(() => 'locked'))
  })

  it('bar the user from a known address for failures there, and for good by the hard limit', async () => {
    const house = await houseWithBob({ rules: { userAfter: 3, after: 3, hardAfter: 6 } })
    const grant = await house.login(house.code(), { state: stateOf(await house.login('right')) })
    expect(reasonOf(grant)).toBe('grant')
    for (let i = 0; i < 3; i += 1) await house.login('wrong')
    expect(reasonOf(await house.login('right'))).toBe('locked')
    house.passes(600_000)
    for (let i = 0; i < 3; i += 1) await house.login('wrong', { address: `203.0.113.${i}` })
    expect(await house.login('right')).toMatchObject({ reason: 'locked', retryAfterMs: undefined })
  })

  it('are neither made nor applied in a trusted network, but by the hard limit', async () => {
    const trusted = parseNetwork('198.51.100.0/24') ?? expect.unreachable()
    const house = await houseWithBob({
      exempt: [trusted],
      rules: { after: 2, userAfter: 4, addressAfter: 3, hardAfter: 12 },
    })
    for (let i = 0; i < 8; i += 1) expect(reasonOf(await house.login('wrong'))).toBe('bad_credentials')
    expect(await house.records.lockouts.list({ limit: 9 })).toEqual([])
    const elsewhere = { address: '203.0.113.9' }
    for (let i = 0; i < 2; i += 1) await house.login('wrong', elsewhere)
    expect(reasonOf(await house.login('right', elsewhere))).toBe('locked')
    expect(reasonOf(await house.login('right'))).toBe('challenge')
    for (let i = 0; i < 2; i += 1) await house.login('wrong')
    expect(await house.login('right')).toMatchObject({ reason: 'locked', retryAfterMs: undefined })
  })

  it('lock a stranger as soon as ever, whatever failures come from a trusted network between', async () => {
    const trusted = parseNetwork('198.51.100.0/24') ?? expect.unreachable()
    const house = await houseWithBob({ exempt: [trusted], rules: { after: 9, userAfter: 4 } })
    const stranger = (host: number) => house.login('wrong', { address: `203.0.113.${host}` })
    for (let i = 0; i < 3; i += 1) await stranger(i)
    for (let i = 0; i < 2; i += 1) expect(reasonOf(await house.login('wrong'))).toBe('bad_credentials')
    expect(reasonOf(await stranger(3))).toBe('bad_credentials')
    expect(reasonOf(await stranger(4))).toBe('locked')
    expect(reasonOf(await house.login('right'))).toBe('challenge')
  })

  it('count one user under every spelling of the name', async () => {
    const house = await houseWithBob()
    for (const user of ['bob', 'Bob', 'BOB', 'bob@corp.example', 'CORP\\bob'])
      await house.login('wrong', { user })
    expect(reasonOf(await house.login('right'))).toBe('locked')
  })

  it('keep the points of nobody when something is down, however often', async () => {
    const house = await houseWithBob({ userRate: 10 })
    house.people.isDown = true
    for (let i = 0; i < 50; i += 1) expect(reasonOf(await house.login('right'))).toBe('unavailable')
    house.people.isDown = false
    expect(reasonOf(await house.login('right'))).toBe('challenge')
    expect(await house.records.lockouts.list({ limit: 9 })).toEqual([])
  })

  it('bound how often whoever has found a password can ask for a prompt', async () => {
    const house = await houseWithBob({ userRate: 4 })
    const answers: string[] = []
    for (let i = 0; i < 6; i += 1) answers.push(reasonOf(await house.login('right')))
    expect(answers).toEqual([...Array(4).fill('challenge'), 'rate_limited', 'rate_limited'])
    expect(house.people.asked).toHaveLength(4)
    house.passes(60_000)
    expect(reasonOf(await house.login('right'))).toBe('challenge')
  })

  it('take one point of a login by challenge while it lasts, and none of one that got in', async () => {
    const house = await houseWithBob({ userRate: 4 })
    for (let round = 0; round < 6; round += 1) {
      const state = stateOf(await house.login('right'))
      expect(reasonOf(await house.login(house.code(), { state }))).toBe('grant')
      house.time.now += 30_000 // another code, and still the same window: that goes by the other clock
    }
  })

  it('leave an honest user room for two wrong passwords and two wrong codes', async () => {
    const house = await houseWithBob({ userRate: 6 })
    for (let i = 0; i < 2; i += 1) await house.login('wrong')
    let challenge = await house.login('right')
    for (let i = 0; i < 2; i += 1) challenge = await house.login('000000', { state: stateOf(challenge) })
    expect(reasonOf(await house.login(house.code(), { state: stateOf(challenge) }))).toBe('grant')
  })

  it('bound how many passwords are tried at a store that is silent about wrong ones, and lock nobody for it', async () => {
    const house = await houseWithBob({ userRate: 10, rules: { after: 3, userAfter: 3, addressAfter: 3 } })
    house.people.isSilent = true
    for (let i = 0; i < 50; i += 1) await house.login(`guess ${i}`)
    expect(house.people.asked).toHaveLength(10)
    expect(await house.records.lockouts.list({ limit: 9 })).toEqual([])
    house.people.isSilent = false
    house.passes(60_000)
    expect(reasonOf(await house.login('right'))).toBe('challenge')
  })
})

describe('a user whose reply no packet can carry', () => {
  it.each([
    ['too many routes', { routes: Array.from({ length: 300 }, (_, i) => `10.${i}.0.0/24`) }, '4096'],
    ['an attribute that there is not', { attributes: { 'No-Such-Attribute': 'x' } }, 'No-Such-Attribute'],
  ])(
    'is refused for %s before the code is spent, and the policy is named',
    async (_what, attributes, fault) => {
      const house = await houseWithBob()
      house.people.accounts.set('bob', { groups: [], attributes })
      const state = stateOf(await house.login('right'))
      const refusal = await house.login(house.code(), { state })
      expect(refusal).toMatchObject({ reason: 'no_policy', detail: expect.stringContaining(fault) })
      expect(refusal).toMatchObject({ detail: expect.stringContaining('policy everyone') })
      expect(await house.records.sessions.list({ limit: 9 })).toEqual([])
      house.people.accounts.clear()
      const other = stateOf(await house.login('right'))
      expect(reasonOf(await house.login(house.code(), { state: other }))).toBe('grant')
    },
  )
})

describe('a refusal', () => {
  it.each(['challenge', 'append', 'either', 'only'] as const)(
    'comes for an empty password without asking anybody (mode: %s)',
    async (mode) => {
      const house = await houseWithBob({ mode })
      house.people.passwords.set('bob', '')
      expect(reasonOf(await house.login(''))).toBe('bad_credentials')
      expect(house.people.asked).toEqual([])
    },
  )

  it('is the same for an unknown, a barred and a known user with a wrong password, to the one who asks', async () => {
    const house = await houseWithBob()
    house.people.passwords.set('eve', 'right')
    house.people.barred.add('eve')
    expect(reasonOf(await house.login('right', { user: 'nobody' }))).toBe('bad_credentials')
    expect(house.people.pretended).toBe(1)
    expect(reasonOf(await house.login('right', { user: 'eve' }))).toBe('barred')
  })

  it('comes where no policy applies, or the first that does refuses', async () => {
    const groups = [{ name: 'staff', when: { groups: ['staff'] }, reply: {} }]
    const deny = [
      { name: 'out', when: { groups: ['temps'] } },
      { name: 'all', when: {}, reply: {} },
    ]
    for (const policies of [groups, deny]) {
      const house = await openHouse({ required: false, policies })
      house.people.accounts.set('bob', { groups: ['temps'], attributes: {} })
      expect(reasonOf(await house.login('right'))).toBe('no_policy')
      expect(await house.records.sessions.list({ limit: 9 })).toEqual([])
    }
  })

  it('comes when the deadline passed while a slow store was asked, and the code is not spent', async () => {
    const house = await houseWithBob({ mode: 'append' })
    expect(reasonOf(await house.login(`right${house.code()}`, { deadline: 0 }))).toBe('unavailable')
    expect(reasonOf(await house.login(`right${house.code()}`))).toBe('grant')
  })
})

describe('a grant', () => {
  it('follows the first policy that applies, and the own addresses of the user go before it', async () => {
    const home = parseNetwork('198.51.100.0/24') ?? expect.unreachable()
    const house = await openHouse({
      required: false,
      policies: [
        { name: 'elsewhere', when: { gateways: ['gw2'] }, reply: {} },
        { name: 'home', when: { networks: [home] }, reply: { ipv4: '10.8.0.9', dns: ['10.0.0.53'] } },
        { name: 'all', when: {}, reply: {} },
      ],
    })
    house.people.accounts.set('bob', { groups: [], attributes: { ipv4: '10.8.0.77' } })
    expect(await house.login('right')).toMatchObject({
      policy: 'home',
      entitlement: { ipv4: '10.8.0.77', dns: ['10.0.0.53'] },
    })
    expect(await house.login('right', { address: '203.0.113.9' })).toMatchObject({ policy: 'all' })
    expect(await house.login('right', { gateway: 'gw2' })).toMatchObject({ policy: 'elsewhere' })
  })
})
