import { describe, expect, it } from 'vitest'
import { recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { invitationHash } from '../../src/domain/invitation.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture, type LoginFixture, type LoginFixtureOptions } from './fixture.ts'

const HOUR = 3_600_000
const TRUSTING: Policy = { name: 'staff', when: {}, reply: {}, trustMs: 12 * HOUR }
const ELSEWHERE = '203.0.113.9'

async function fixtureWith(options: LoginFixtureOptions = {}) {
  const fixture = await createLoginFixture({ policies: [TRUSTING], ...options })
  await fixture.enrol('bob')
  return fixture
}

/** As the broker's own users: the record tells of another password, so a trust needs nothing of the request. */
const ofRecord = (fixture: LoginFixture) =>
  fixture.people.accounts.set('bob', { groups: [], attributes: {}, record: '1.0' })

type Parts = Parameters<LoginFixture['login']>[1]

/** A login with the password and then the code; the time goes on, as each code works once. */
async function fullLogin(fixture: LoginFixture, more: Parts = {}): Promise<Decision> {
  fixture.passes(30_000)
  const asked = await fixture.login('right', more)
  if (asked.kind !== 'challenge') return asked
  return fixture.login(fixture.code(), { ...more, state: asked.state })
}

const trustsOf = (fixture: LoginFixture) => fixture.records.trusts.list({ now: fixture.time.now, limit: 10 })

describe('after a full login', () => {
  it('the password alone lets the user in from the same network, for that time', async () => {
    const fixture = await fixtureWith()
    expect(await fullLogin(fixture)).toMatchObject({ kind: 'grant', waivedBy: undefined })
    expect(await trustsOf(fixture)).toMatchObject([{ subject: 'bob', network: '198.51.100.7', uses: 0 }])
    fixture.passes(11 * HOUR)
    expect(await fixture.login('right')).toMatchObject({ kind: 'grant', waivedBy: 'trust' })
    expect(await trustsOf(fixture)).toMatchObject([{ uses: 1, usedAt: fixture.time.now }])
    const events = await fixture.records.audit.list({ kinds: ['login.accepted'], limit: 10 })
    expect(events.map(({ reason }) => reason)).toEqual(['trust_used', 'trust_made'])
    fixture.passes(HOUR)
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
    expect(await trustsOf(fixture)).toEqual([])
  })

  it('the records alone let nobody guess the password, and without their key the code is asked for', async () => {
    const fixture = await fixtureWith()
    await fullLogin(fixture)
    const { db } = fixture
    const [kept] = await db.selectFrom('trusts').selectAll().execute()
    expect(kept?.sealed_password_hash).toMatch(/^test\.[\w-]{40,}$/)
    expect(await fixture.login('right')).toMatchObject({ kind: 'grant', waivedBy: 'trust' })
    await db.updateTable('trusts').set({ sealed_password_hash: 'gone.AAAA' }).execute()
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
  })

  it('its use does not make it last longer', async () => {
    const fixture = await fixtureWith()
    await fullLogin(fixture)
    for (let hours = 3; hours < 12; hours += 3) {
      fixture.passes(3 * HOUR)
      expect(await fixture.login('right')).toMatchObject({ kind: 'grant' })
    }
    fixture.passes(3 * HOUR)
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
  })

  it('an IPv6 user is trusted in the customer’s network', async () => {
    const fixture = await fixtureWith()
    await fullLogin(fixture, { address: '2001:db8:1:2::7' })
    expect(await fixture.login('right', { address: '2001:db8:1:2:ffff::1' })).toMatchObject({ kind: 'grant' })
    expect(await fixture.login('right', { address: '2001:db8:1:3::7' })).toMatchObject({ kind: 'challenge' })
  })

  it.each([
    ['from another network', { address: ELSEWHERE }],
    ['without an address', { address: undefined }],
    ['as another user', { user: 'eve' }],
  ])('%s the code is asked for', async (_, more) => {
    const fixture = await fixtureWith()
    fixture.people.passwords.set('eve', 'right')
    await fixture.enrol('eve')
    await fullLogin(fixture)
    expect(await fixture.login('right', more)).toMatchObject({ kind: 'challenge' })
  })

  it('a wrong password is refused as ever', async () => {
    const fixture = await fixtureWith()
    await fullLogin(fixture)
    expect(await fixture.login('wrong')).toMatchObject({ reason: 'bad_credentials', counts: true })
  })

  it('a code that is shown all the same is checked', async () => {
    const fixture = await fixtureWith({ mode: 'append' })
    fixture.passes(30_000)
    await fixture.login(`right${fixture.code()}`)
    expect(await fixture.login('right')).toMatchObject({ kind: 'grant', waivedBy: 'trust' })
    expect(await fixture.login('right000000')).toMatchObject({ reason: 'wrong_code', counts: true })
  })

  it('an answer to a prompt is checked, even if a trust is made meanwhile', async () => {
    const fixture = await fixtureWith()
    ofRecord(fixture)
    const asked = await fixture.login('right')
    await fullLogin(fixture)
    const state = asked.kind === 'challenge' ? asked.state : expect.unreachable()
    expect(await fixture.login('000000', { state })).toMatchObject({ kind: 'challenge' })
  })
})

describe('a trust is over', () => {
  it.each<[string, (fixture: LoginFixture) => Promise<unknown> | undefined]>([
    ['with another authenticator', (fixture) => fixture.enrol('bob')],
    ['with another password', (fixture) => void fixture.people.passwords.set('bob', 'new')],
    [
      'after a lockout of the user, even one that was released',
      async ({ records, time }) => {
        const lock = {
          id: 'l',
          scope: 'user',
          user: 'bob',
          reason: 'stolen',
          by: 'ann',
          since: time.now,
        } as const
        await records.lockouts.lock(lock)
        await records.lockouts.releaseUser('bob', 'ann', 'found', time.now)
      },
    ],
    [
      'after a lockout from failures',
      async (fixture) => {
        for (let failure = 0; failure < 5; failure++) await fixture.login('wrong', { address: ELSEWHERE })
        fixture.passes(HOUR)
      },
    ],
    [
      'when it is revoked',
      async (fixture) => {
        for (const { id } of await trustsOf(fixture)) await fixture.records.trusts.revoke(id)
      },
    ],
    ['when all of the user’s are', ({ records }) => records.trusts.revokeAllOf('bob')],
  ])('%s', async (_, happens) => {
    const fixture = await fixtureWith()
    await fullLogin(fixture)
    fixture.passes(120_000)
    await happens(fixture)
    const password = fixture.people.passwords.get('bob') ?? ''
    expect(await fixture.login(password)).toMatchObject({ kind: 'challenge' })
  })

  it('and of a local user with another version of the record', async () => {
    const fixture = await fixtureWith()
    fixture.people.accounts.set('bob', { groups: [], attributes: {}, record: '1.0' })
    await fullLogin(fixture)
    expect(await fixture.login('right')).toMatchObject({ kind: 'grant' })
    fixture.people.accounts.set('bob', { groups: [], attributes: {}, record: '1.1' })
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
  })

  it('if it is revoked between the check and the grant', async () => {
    const fixture = await fixtureWith()
    await fullLogin(fixture)
    const { login, trusts } = fixture.records
    const find = login.findTrust.bind(login)
    login.findTrust = async (query) => {
      const found = await find(query)
      await trusts.revokeAllOf('bob')
      return found
    }
    expect(await fixture.login('right')).toMatchObject({ reason: 'challenge_expired', counts: false })
    expect(await fixture.records.sessions.list({ limit: 10 })).toHaveLength(1)
  })

  it('as soon as the policy trusts for less time, or not at all', async () => {
    const policies: Policy[] = [TRUSTING]
    const fixture = await fixtureWith({ policies })
    await fullLogin(fixture)
    fixture.passes(2 * HOUR)
    policies[0] = { ...TRUSTING, trustMs: HOUR }
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
    policies[0] = { ...TRUSTING, trustMs: undefined }
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
    policies[0] = { ...TRUSTING, needsFreshFactor: true }
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
    policies[0] = TRUSTING
    expect(await fixture.login('right')).toMatchObject({ kind: 'grant' })
  })

  it('for a user who has become an administrator', async () => {
    const fixture = await fixtureWith()
    await fullLogin(fixture)
    fixture.people.accounts.set('bob', { groups: ['admins'], attributes: {} })
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
  })
})

describe('no trust is made', () => {
  it('by a login without a second factor', async () => {
    const fixture = await createLoginFixture({ policies: [TRUSTING], required: false })
    expect(await fixture.login('right')).toMatchObject({ kind: 'grant' })
    expect(await trustsOf(fixture)).toEqual([])
  })

  it('by a login that enrolled the authenticator within itself', async () => {
    const fixture = await createLoginFixture({ policies: [TRUSTING], enrolsAtLogin: true })
    ofRecord(fixture)
    const asked = await fixture.login('right')
    const state = asked.kind === 'challenge' ? asked.state : expect.unreachable()
    await fixture.enrol('bob')
    expect(await fixture.login(fixture.code(), { state })).toMatchObject({ kind: 'grant' })
    expect(await trustsOf(fixture)).toEqual([])
    expect(await fixture.login('right')).toMatchObject({ kind: 'challenge' })
  })

  it('by a recovery code, which stands on paper', async () => {
    const code = 'abcd-efgh-jkmn-pqrs'
    const fixture = await createLoginFixture({ policies: [TRUSTING] })
    ofRecord(fixture)
    await fixture.enrol('bob', 6, [recoveryCodeHash('bob', code)])
    const asked = await fixture.login('right')
    const state = asked.kind === 'challenge' ? asked.state : expect.unreachable()
    expect(await fixture.login(code, { state })).toMatchObject({ kind: 'grant' })
    expect(await trustsOf(fixture)).toEqual([])
  })

  it('by a login that was trusted itself', async () => {
    const fixture = await fixtureWith()
    ofRecord(fixture)
    await fullLogin(fixture)
    fixture.passes(HOUR)
    const [before] = await trustsOf(fixture)
    await fixture.login('right')
    expect(await trustsOf(fixture)).toMatchObject([{ id: before?.id, expiresAt: before?.expiresAt }])
  })

  it('by an administrator', async () => {
    const fixture = await fixtureWith()
    fixture.people.accounts.set('bob', { groups: ['admins'], attributes: {} })
    expect(await fullLogin(fixture)).toMatchObject({ kind: 'grant' })
    expect(await trustsOf(fixture)).toEqual([])
  })

  it('at the portal, by a sign-in or with a ticket', async () => {
    const fixture = await fixtureWith()
    const asked = await fixture.signIn('right')
    const state = asked.kind === 'challenge' ? asked.state : expect.unreachable()
    expect(await fixture.signIn(fixture.code(), { state })).toMatchObject({ kind: 'signed_in' })
    const { now } = fixture.time
    const invitation = { id: '1', subject: 'bob', createdAt: now, createdBy: 'ann', expiresAt: now + HOUR }
    await fixture.records.invitations.put({ ...invitation, hash: invitationHash('abcd') })
    expect(await fixture.enter('abcd')).toMatchObject({ kind: 'signed_in' })
    expect(await trustsOf(fixture)).toEqual([])
  })

  it('by a policy without it', async () => {
    const fixture = await fixtureWith({ policies: [{ name: 'staff', when: {}, reply: {} }] })
    await fullLogin(fixture)
    expect(await trustsOf(fixture)).toEqual([])
  })

  it('by a login that is refused at its end', async () => {
    const fixture = await fixtureWith({ policies: [{ ...TRUSTING, reply: undefined }] })
    expect(await fullLogin(fixture)).toMatchObject({ reason: 'no_policy' })
    expect(await trustsOf(fixture)).toEqual([])
  })
})

it('no trust opens the portal', async () => {
  const fixture = await fixtureWith()
  await fullLogin(fixture)
  expect(await fixture.signIn('right')).toMatchObject({ kind: 'challenge' })
})

it('a trusted login takes no failures back', async () => {
  const fixture = await fixtureWith({ rules: { after: 3 } })
  await fullLogin(fixture)
  await fixture.login('wrong')
  await fixture.login('wrong')
  expect(await fixture.login('right')).toMatchObject({ kind: 'grant', waivedBy: 'trust' })
  await fixture.login('wrong')
  expect(await fixture.login('right')).toMatchObject({ reason: 'locked' })
})

it('nor do the records forget any', async () => {
  const fixture = await fixtureWith({ rules: { after: 50, hardAfter: 3 } })
  await fullLogin(fixture)
  await fixture.login('wrong')
  await fixture.login('wrong')
  expect(await fixture.login('right')).toMatchObject({ kind: 'grant', waivedBy: 'trust' })
  await fixture.login('wrong')
  expect(await fixture.login('right')).toMatchObject({ reason: 'locked' })
})

it('a policy that refuses says so after the code, and to users without an authenticator at once', async () => {
  const words = { en: 'No.' }
  const fixture = await createLoginFixture({ policies: [{ name: 'out', when: {}, words }] })
  expect(await fixture.login('right')).toMatchObject({ reason: 'no_policy', words, counts: false })
  await fixture.enrol('bob')
  const asked = await fixture.login('right')
  const state = asked.kind === 'challenge' ? asked.state : expect.unreachable()
  expect(await fixture.login(fixture.code(), { state })).toMatchObject({ reason: 'no_policy', words })
})
