import { expect, it } from 'vitest'
import type { Quota } from '../../src/domain/quota.ts'
import type { Decision } from '../../src/login/flow.ts'
import { accounting, id, unique } from '../store/samples.ts'
import { createLoginFixture, type LoginFixtureOptions } from './fixture.ts'

/** That of the fixture's clock. */
const DAY = '2026-01-01'
const TRAFFIC: Quota = { measure: 'both', most: 1000, per: 'day', of: 'user' }
const TIME: Quota = { measure: 'time', most: 7200, per: 'month', of: 'user' }

async function fixtureWith(
  quotas: readonly Quota[],
  more: LoginFixtureOptions = {},
  sessionTimeout?: number,
) {
  const fixture = await createLoginFixture({
    policies: [{ name: 'staff', when: {}, quotas, reply: { sessionTimeout } }],
    ...more,
  })
  const { records } = fixture
  fixture.people.passwords.set('bob', 'right')
  await fixture.enrol('bob')
  /** Of a session that the policy let in, a moment ago. */
  const uses = async (more: { readonly octetsIn?: number; readonly seconds?: number }) => {
    const acct = unique('acct')
    const decision = await fixture.login(fixture.code(), {
      session: acct,
      state: (await asked(fixture)).state,
    })
    expect(decision.kind).toBe('grant')
    const entry = accounting('stop', 'bob', acct, { at: Date.parse(DAY), ...more })
    await records.sessions.record(entry, { day: DAY, quotas: {} })
    fixture.passes(30_000)
  }
  return { ...fixture, uses }
}

async function asked(fixture: { login(typed: string): Promise<Decision> }) {
  const decision = await fixture.login('right')
  if (decision.kind !== 'challenge') throw new Error(decision.kind)
  return decision
}

const timeoutOf = (decision: Decision) =>
  decision.kind === 'grant' ? decision.entitlement.sessionTimeout : undefined

it('a login by a policy whose quota is spent is refused, and its code is not spent', async () => {
  const fixture = await fixtureWith([TRAFFIC])
  await fixture.uses({ octetsIn: 1000 })
  const code = fixture.code()
  const refused = await fixture.login(code, { state: (await asked(fixture)).state })
  expect(refused).toMatchObject({
    kind: 'refusal',
    reason: 'quota_spent',
    counts: false,
    detail: 'the quota of policy staff is spent until 2026-01-02: 1 kB of traffic a day',
    quota: { most: 1000, left: 0, beginsAgain: '2026-01-02' },
  })
  expect(await fixture.explain({})).toMatchObject({
    outcome: { reason: 'quota_spent' },
    quotas: [{ left: 0 }],
  })
  await fixture.records.usage.add({ id: id(), subject: 'bob', day: DAY, octets: 1, seconds: 0 })
  // The very code of the login that was refused.
  expect(await fixture.login(code, { state: (await asked(fixture)).state })).toMatchObject({ kind: 'grant' })
})

it('a session gets no more time than is left of a quota, nor than the policy gives', async () => {
  const fixture = await fixtureWith([TIME, TRAFFIC], {}, 7000)
  const login = async () => {
    const decision = await fixture.login(fixture.code(), { state: (await asked(fixture)).state })
    fixture.passes(30_000)
    return timeoutOf(decision)
  }
  expect(await login()).toBe(7000)
  await fixture.uses({ seconds: 3600 })
  expect(await login()).toBe(3600)
  const answer = await fixture.explain({})
  expect(answer.reply).toContainEqual({ name: 'Session-Timeout', value: '3600' })
})

it('a session ends with its account, whatever the policy gives', async () => {
  const fixture = await fixtureWith([], {}, 7000)
  const { accounts } = fixture.people
  accounts.set('bob', { groups: [], attributes: {}, endsAt: Date.parse(DAY) + 600_000 })
  const decision = await fixture.login(fixture.code(), { state: (await asked(fixture)).state })
  expect(timeoutOf(decision)).toBeLessThanOrEqual(600)
  expect(timeoutOf(decision)).toBeGreaterThan(500)
})

it('a quota of all counts what others have used', async () => {
  const fixture = await fixtureWith([{ ...TRAFFIC, of: 'group' }])
  await fixture.uses({ octetsIn: 1000 })
  fixture.people.passwords.set('alice', 'right')
  expect(await fixture.explain({ user: 'alice' })).toMatchObject({ quotas: [{ used: 1000, left: 0 }] })
})
