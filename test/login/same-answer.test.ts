import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/login/decide.ts'
import { type HouseOptions, openHouse } from './house.ts'

const SECOND = 1000

async function houseWithBob(options: HouseOptions) {
  const house = await openHouse(options)
  await house.enrol('bob')
  return house
}

const appending = (more: HouseOptions = {}) =>
  houseWithBob({ mode: 'append', sameAnswerWithinMs: 15 * SECOND, ...more })

function sessionOf(decision: Decision): string {
  return decision.kind === 'grant' ? decision.session : expect.unreachable(JSON.stringify(decision))
}

const reasonOf = (decision: Decision) => (decision.kind === 'refusal' ? decision.reason : decision.kind)

describe('a question that comes again', () => {
  it('is refused where nothing is configured', async () => {
    const house = await houseWithBob({ mode: 'append' })
    const typed = `right${house.code()}`
    expect(reasonOf(await house.login(typed))).toBe('grant')
    expect(reasonOf(await house.login(typed))).toBe('code_used')
  })

  it('gets the same grant, and no second session, for 15 s from the first', async () => {
    const house = await appending()
    const typed = `right${house.code()}`
    const session = sessionOf(await house.login(typed))
    for (let again = 0; again < 2; again += 1) {
      house.passes(7 * SECOND)
      const repeated = await house.login(typed)
      expect(repeated).toMatchObject({ policy: 'everyone', entitlement: { routes: ['10.0.0.0/8'] } })
      expect(sessionOf(repeated)).toBe(session)
    }
    house.passes(2 * SECOND)
    expect(reasonOf(await house.login(typed))).toBe('code_used')
    expect(await house.records.sessions.list({ limit: 9 })).toHaveLength(1)
    const accepted = await house.records.audit.list({ kind: 'login.accepted', limit: 9 })
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
    const house = await appending()
    const typed = `right${house.code()}`
    sessionOf(await house.login(typed, { session: 'one' }))
    expect(reasonOf(await house.login(typed, { session: 'one', ...change }))).toBe('code_used')
    expect(reasonOf(await house.login(typed, { session: 'one' }))).toBe('grant')
  })

  it('with another password is a wrong password', async () => {
    const house = await appending()
    sessionOf(await house.login(`right${house.code()}`))
    expect(reasonOf(await house.login(`wrong${house.code()}`))).toBe('bad_credentials')
  })

  it('with the State and the code of a challenge that was answered gets the same grant, and with another code none', async () => {
    const house = await houseWithBob({ sameAnswerWithinMs: 15 * SECOND })
    const challenge = await house.login('right')
    if (challenge.kind !== 'challenge') return expect.unreachable()
    const { state } = challenge
    const session = sessionOf(await house.login(house.code(), { state }))
    expect(reasonOf(await house.login('000000', { state }))).toBe('challenge_expired')
    expect(reasonOf(await house.login(house.code(), { state: 'another' }))).toBe('challenge_expired')
    expect(sessionOf(await house.login(house.code(), { state }))).toBe(session)
    const second = await house.login('right')
    if (second.kind !== 'challenge') return expect.unreachable()
    expect(await house.login(house.code(), { state: second.state })).toMatchObject({
      kind: 'challenge',
      prompt: { kind: 'used_code' },
    })
  })

  it('lives no longer than its code', async () => {
    const house = await houseWithBob({ sameAnswerWithinMs: 15 * SECOND })
    house.passes(20 * SECOND)
    const challenge = await house.login('right')
    if (challenge.kind !== 'challenge') return expect.unreachable()
    const { state } = challenge
    const lastStep = house.code(-1) // taken for another 10 s
    sessionOf(await house.login(lastStep, { state }))
    house.passes(9 * SECOND)
    expect(reasonOf(await house.login(lastStep, { state }))).toBe('grant')
    house.passes(SECOND)
    expect(reasonOf(await house.login(lastStep, { state }))).toBe('challenge_expired')
  })

  it('is refused while a lockout is in force', async () => {
    const house = await appending({ rules: { after: 2 } })
    const typed = `right${house.code()}`
    sessionOf(await house.login(typed))
    for (let i = 0; i < 2; i += 1) await house.login('wrong000000')
    expect(reasonOf(await house.login(typed))).toBe('locked')
  })

  it('is refused where there was no room to remember it, and the first login is let in all the same', async () => {
    const house = await appending()
    for (const name of ['ann', 'eve']) {
      house.people.passwords.set(name, 'right')
      await house.enrol(name)
      sessionOf(await house.login(`right${house.code()}`, { user: name }))
    }
    const typed = `right${house.code()}`
    expect(reasonOf(await house.login(typed))).toBe('grant')
    expect(reasonOf(await house.login(typed))).toBe('code_used')
  })
})
