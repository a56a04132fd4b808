import { describe, expect, it } from 'vitest'
import type { Decision, SignInDecision } from '../../src/login/flow.ts'
import { createLoginFixture, type LoginFixture, type LoginFixtureOptions } from './fixture.ts'

type From = { readonly user?: string; readonly address?: string }

const reasonOf = (decision: Decision | SignInDecision) =>
  decision.kind === 'refusal' ? decision.reason : decision.kind

function stateOf(decision: Decision): string {
  return decision.kind === 'challenge' ? decision.state : expect.unreachable(JSON.stringify(decision))
}

/** Both factors right, with a code of its own. */
async function enter(fixture: LoginFixture, from: From = {}): Promise<Decision> {
  fixture.passes(30_000)
  const challenge = await fixture.login('right', from)
  if (challenge.kind !== 'challenge') return challenge
  return fixture.login(fixture.code(), { state: challenge.state, ...from })
}

/** The right password and a wrong code. */
async function wrongCode(fixture: LoginFixture, from: From): Promise<Decision> {
  const challenge = await fixture.login('right', from)
  if (challenge.kind !== 'challenge') return challenge
  return fixture.login('000000', { state: challenge.state, ...from })
}

async function fixtureWithBob(options?: LoginFixtureOptions): Promise<LoginFixture> {
  const fixture = await createLoginFixture(options)
  await fixture.enrol('bob')
  return fixture
}

describe('failures in a row', () => {
  it('close unknown addresses by the hard limit, and a known one only by failures there', async () => {
    const fixture = await fixtureWithBob({ rules: { after: 99, userAfter: 99, hardAfter: 6 } })
    expect(reasonOf(await enter(fixture))).toBe('grant')
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong')
    for (let i = 0; i < 6; i += 1) await fixture.login('wrong', { address: `2001:db8:${i}::1` })
    const elsewhere = { address: '203.0.113.9' }
    expect(await fixture.login('right', elsewhere)).toMatchObject({
      reason: 'locked',
      retryAfterMs: undefined,
    })
    expect(reasonOf(await enter(fixture))).toBe('grant')
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong')
    expect(reasonOf(await fixture.login('right'))).toBe('challenge')
    await fixture.login('wrong')
    expect(await fixture.login('right')).toMatchObject({ reason: 'locked', retryAfterMs: undefined })
    expect(await fixture.records.lockouts.list({ user: 'bob', limit: 9 })).toMatchObject([
      { scope: 'user_address', cause: 'hard_limit', address: '198.51.100.7' },
      { scope: 'user', cause: 'hard_limit' },
    ])
  })

  it('count wrong codes after the right password until a success from there, whatever the owner does elsewhere', async () => {
    const fixture = await fixtureWithBob({ rules: { after: 99, userAfter: 99, hardAfter: 6 } })
    const thief = (host: number) => wrongCode(fixture, { address: `203.0.113.${host}` })
    for (let i = 0; i < 5; i += 1) {
      expect(reasonOf(await thief(i))).toBe('challenge')
      expect(reasonOf(await enter(fixture))).toBe('grant')
    }
    // A success from there takes its own back.
    expect(reasonOf(await enter(fixture, { address: '203.0.113.4' }))).toBe('grant')
    expect(reasonOf(await thief(5))).toBe('challenge')
    expect(reasonOf(await thief(6))).toBe('locked')
    expect(await fixture.login('right', { address: '192.0.2.1' })).toMatchObject({ reason: 'locked' })
    expect(reasonOf(await enter(fixture))).toBe('grant')
    const [lockout, ...more] = await fixture.records.lockouts.list({ user: 'bob', limit: 9 })
    expect(more).toEqual([])
    expect(lockout).toMatchObject({ scope: 'user', cause: 'password_known' })
    expect(lockout).not.toHaveProperty('until')
    expect(await fixture.records.audit.list({ kinds: ['lockout.made'], limit: 9 })).toMatchObject([
      { user: 'bob', reason: 'password_known' },
    ])
    await fixture.records.lockouts.release(lockout?.id ?? '', 'admin', 'new password', fixture.time.now)
    for (let i = 7; i < 12; i += 1) expect(reasonOf(await thief(i))).toBe('challenge')
    expect(reasonOf(await thief(12))).toBe('locked')
  })

  it('count wrong codes of a browser that is signed in with all others', async () => {
    const fixture = await fixtureWithBob({ rules: { after: 99, userAfter: 99, hardAfter: 3 } })
    for (let i = 0; i < 3; i += 1) expect(reasonOf(await fixture.showAgain('000000'))).toBe('wrong_code')
    expect(await fixture.records.lockouts.list({ limit: 9 })).toMatchObject([{ cause: 'password_known' }])
  })

  it('take wrong codes for failures in a row where the password was not shown', async () => {
    const fixture = await fixtureWithBob({ mode: 'only', rules: { after: 99, userAfter: 99, hardAfter: 3 } })
    for (let i = 0; i < 3; i += 1) await fixture.login('000000')
    expect(await fixture.records.lockouts.list({ limit: 9 })).toMatchObject([{ cause: 'hard_limit' }])
  })
})

describe('the limits of a user whom the directory knows by several names', () => {
  const NAMES = ['robert', 'bob', 'bob.smith']

  /** Robert, by any of his names. */
  async function fixtureWithRobert(options: LoginFixtureOptions = {}) {
    const fixture = await createLoginFixture(options)
    for (const name of NAMES) {
      fixture.people.passwords.set(name, 'right')
      fixture.people.accounts.set(name, { name: 'robert', groups: [], attributes: {} })
    }
    await fixture.enrol('robert')
    return fixture
  }

  it('have one budget, and refuse each name without a look at the password', async () => {
    const fixture = await fixtureWithRobert()
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong', { user: NAMES[i % 3] })
    expect(fixture.people.asked).toHaveLength(5)
    for (const user of NAMES) expect(reasonOf(await fixture.login('right', { user })), user).toBe('locked')
    expect(fixture.people.asked).toHaveLength(5)
    expect(await fixture.records.lockouts.list({ limit: 9 })).toMatchObject([
      { scope: 'user_address', user: 'robert' },
    ])
    await fixture.records.lockouts.releaseUser('robert', 'admin', 'called', fixture.time.now)
    for (const user of NAMES) expect(reasonOf(await fixture.login('right', { user })), user).toBe('challenge')
  })

  it('let no number of parallel guesses under several names get more checks', async () => {
    const fixture = await fixtureWithRobert()
    const guesses = Array.from({ length: 60 }, (_, i) => fixture.login('wrong', { user: NAMES[i % 3] }))
    await Promise.all(guesses)
    expect(fixture.people.asked).toHaveLength(5)
  })

  it('have one rate, of which a prompt takes one point until it is answered', async () => {
    const fixture = await fixtureWithRobert({ userRate: 2 })
    for (let round = 0; round < 3; round += 1) {
      const user = NAMES[round]
      const state = stateOf(await fixture.login('right', { user }))
      expect(reasonOf(await fixture.login(fixture.code(), { user, state }))).toBe('grant')
      fixture.time.now += 30_000
    }
    for (const user of NAMES.slice(0, 2)) await fixture.login('right', { user })
    for (const user of NAMES)
      expect(reasonOf(await fixture.login('right', { user })), user).toBe('rate_limited')
  })

  it('have one count towards the hard limit, which a success by any name ends', async () => {
    const fixture = await fixtureWithRobert({ rules: { after: 99, userAfter: 99, hardAfter: 4 } })
    const fail = (i: number) => fixture.login('wrong', { user: NAMES[i % 3], address: `203.0.113.${i}` })
    for (let i = 0; i < 3; i += 1) await fail(i)
    expect(reasonOf(await enter(fixture, { user: 'bob' }))).toBe('grant')
    for (let i = 0; i < 3; i += 1) expect(reasonOf(await fail(i))).toBe('bad_credentials')
    await fail(3)
    for (const user of NAMES)
      expect(reasonOf(await fixture.login('right', { user, address: '192.0.2.1' })), user).toBe('locked')
    expect(reasonOf(await enter(fixture, { user: 'bob' })), 'known, by the name of that time').toBe('grant')
  })

  it('count wrong codes together', async () => {
    const fixture = await fixtureWithRobert({ rules: { after: 99, userAfter: 99, hardAfter: 3 } })
    for (let i = 0; i < 3; i += 1) await wrongCode(fixture, { user: NAMES[i % 3], address: `203.0.113.${i}` })
    expect(await fixture.records.lockouts.list({ limit: 9 })).toMatchObject([
      { user: 'robert', cause: 'password_known' },
    ])
  })

  it('look like a wrong password where only the right one tells whose account it is', async () => {
    const fixture = await fixtureWithRobert()
    const { store } = fixture.people
    fixture.people.store = {
      ...store,
      authenticate: (name, password, deadline) => store.authenticate(name, password, deadline),
    }
    for (let i = 0; i < 5; i += 1) await fixture.login('wrong', { user: 'robert' })
    const answers = [
      await fixture.login('right', { user: 'bob' }),
      await fixture.login('wrong', { user: 'bob' }),
    ]
    for (const answer of answers) expect(answer).toMatchObject({ reason: 'bad_credentials', counts: true })
  })
})
