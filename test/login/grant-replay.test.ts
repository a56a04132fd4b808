import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture, type LoginFixtureOptions } from './fixture.ts'

const SECOND = 1000

async function fixtureWithBob(options: LoginFixtureOptions) {
  const fixture = await createLoginFixture(options)
  await fixture.enrol('bob')
  return fixture
}

const appending = (more: LoginFixtureOptions = {}) =>
  fixtureWithBob({ mode: 'append', sameAnswerWithinMs: 15 * SECOND, ...more })

function sessionOf(decision: Decision): string {
  return decision.kind === 'grant' ? decision.session : expect.unreachable(JSON.stringify(decision))
}

const reasonOf = (decision: Decision) => (decision.kind === 'refusal' ? decision.reason : decision.kind)

describe('a question that comes again', () => {
  it('is refused where nothing is configured', async () => {
    const fixture = await fixtureWithBob({ mode: 'append' })
    const typed = `right${fixture.code()}`
    expect(reasonOf(await fixture.login(typed))).toBe('grant')
    expect(reasonOf(await fixture.login(typed))).toBe('code_used')
  })

  it('gets the same grant, and no second session, for 15 s from the first', async () => {
    const fixture = await appending()
    const typed = `right${fixture.code()}`
    const session = sessionOf(await fixture.login(typed))
    for (let again = 0; again < 2; again += 1) {
      fixture.passes(7 * SECOND)
      const repeated = await fixture.login(typed)
      expect(repeated).toMatchObject({ policy: 'everyone', entitlement: { routes: ['10.0.0.0/8'] } })
      expect(sessionOf(repeated)).toBe(session)
    }
    fixture.passes(2 * SECOND)
    expect(reasonOf(await fixture.login(typed))).toBe('code_used')
    expect(await fixture.records.sessions.list({ limit: 9 })).toHaveLength(1)
    const accepted = await fixture.records.audit.list({ kinds: ['login.accepted'], limit: 9 })
    expect(accepted.map(({ detail }) => detail)).toEqual([
      `the same answer again: session ${session}`,
      `the same answer again: session ${session}`,
      'policy everyone, people, totp',
    ])
  })

  it.each([
    ['through another gateway', { gateway: 'gw2' }],
    ['from another address', { address: '203.0.113.9' }],
    ['without an address', { address: undefined }],
    ['by another spelling of the name', { user: 'BOB' }],
    ['for another session of the gateway', { session: 'another' }],
  ])('%s is refused', async (_, change) => {
    const fixture = await appending()
    const typed = `right${fixture.code()}`
    sessionOf(await fixture.login(typed, { session: 'one' }))
    expect(reasonOf(await fixture.login(typed, { session: 'one', ...change }))).toBe('code_used')
    expect(reasonOf(await fixture.login(typed, { session: 'one' }))).toBe('grant')
  })

  it('with another password is a wrong password', async () => {
    const fixture = await appending()
    sessionOf(await fixture.login(`right${fixture.code()}`))
    expect(reasonOf(await fixture.login(`wrong${fixture.code()}`))).toBe('bad_credentials')
  })

  it('with the State and the code of a challenge that was answered gets the same grant, and with another code none', async () => {
    const fixture = await fixtureWithBob({ sameAnswerWithinMs: 15 * SECOND })
    const challenge = await fixture.login('right')
    if (challenge.kind !== 'challenge') return expect.unreachable()
    const { state } = challenge
    const session = sessionOf(await fixture.login(fixture.code(), { state }))
    expect(reasonOf(await fixture.login('000000', { state }))).toBe('challenge_expired')
    expect(reasonOf(await fixture.login(fixture.code(), { state: 'another' }))).toBe('challenge_expired')
    expect(sessionOf(await fixture.login(fixture.code(), { state }))).toBe(session)
    const second = await fixture.login('right')
    if (second.kind !== 'challenge') return expect.unreachable()
    expect(await fixture.login(fixture.code(), { state: second.state })).toMatchObject({
      kind: 'challenge',
      prompt: { kind: 'used_code' },
    })
  })

  it('lives no longer than its code', async () => {
    const fixture = await fixtureWithBob({ sameAnswerWithinMs: 15 * SECOND })
    fixture.passes(20 * SECOND)
    const challenge = await fixture.login('right')
    if (challenge.kind !== 'challenge') return expect.unreachable()
    const { state } = challenge
    const lastStep = fixture.code(-1) // taken for another 10 s
    sessionOf(await fixture.login(lastStep, { state }))
    fixture.passes(9 * SECOND)
    expect(reasonOf(await fixture.login(lastStep, { state }))).toBe('grant')
    fixture.passes(SECOND)
    expect(reasonOf(await fixture.login(lastStep, { state }))).toBe('challenge_expired')
  })

  it('is refused while a lockout is in force', async () => {
    const fixture = await appending({ rules: { after: 2 } })
    const typed = `right${fixture.code()}`
    sessionOf(await fixture.login(typed))
    for (let i = 0; i < 2; i += 1) await fixture.login('wrong000000')
    expect(reasonOf(await fixture.login(typed))).toBe('locked')
  })

  it('is refused where there was no room to remember it, and the first login is let in all the same', async () => {
    const fixture = await appending()
    for (const name of ['ann', 'eve']) {
      fixture.people.passwords.set(name, 'right')
      await fixture.enrol(name)
      sessionOf(await fixture.login(`right${fixture.code()}`, { user: name }))
    }
    const typed = `right${fixture.code()}`
    expect(reasonOf(await fixture.login(typed))).toBe('grant')
    expect(reasonOf(await fixture.login(typed))).toBe('code_used')
  })
})
