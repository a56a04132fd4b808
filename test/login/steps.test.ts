import { expect, expectTypeOf, it, vi } from 'vitest'
import { invitationHash } from '../../src/domain/invitation.ts'
import type { LoginAttempt } from '../../src/domain/login-attempt.ts'
import type { AskForCode, Challenge } from '../../src/login/ask-for-code.ts'
import { COLUMNS, ENDINGS, type LoginKind, STEPS, type Yield } from '../../src/login/flow.ts'
import type { firstFactor } from '../../src/login/steps/first-factor.ts'
import type { Grant, openSession } from '../../src/login/steps/grant.ts'
import type { loadContext } from '../../src/login/steps/load-context.ts'
import type { SignedIn } from '../../src/login/steps/sign-in.ts'
import type { takePermit } from '../../src/login/steps/take-permit.ts'
import { createLoginFixture } from './fixture.ts'

/** The names in one column of the table. */
function named(kind: LoginKind) {
  const names = (rows: typeof STEPS | typeof ENDINGS) =>
    rows.filter((row) => row[COLUMNS[kind]]).map(([step]) => step.name)
  return { steps: names(STEPS), endings: names(ENDINGS) }
}

const whole = (kind: LoginKind) => [...named(kind).steps, ...named(kind).endings]

/** As a login that ends at a step enters them. */
function upTo(kind: LoginKind, last: string): string[] {
  const { steps, endings } = named(kind)
  return [...steps.slice(0, steps.indexOf(last) + 1), ...endings]
}

async function fixtureWithBob() {
  const fixture = await createLoginFixture()
  await fixture.enrol('bob')
  return fixture
}

const stateOf = (answer: Challenge | { readonly kind: string }) =>
  'state' in answer ? answer.state : expect.unreachable(answer.kind)

it('a login at a gateway enters each step of its column once, in order, and ends where a step ends it', async () => {
  const fixture = await fixtureWithBob()
  const state = stateOf(await fixture.login('right'))
  expect(fixture.entered()).toEqual(upTo('vpn', 'secondFactorByPolicy'))
  expect(await fixture.login(fixture.code(), { state })).toMatchObject({ kind: 'grant' })
  expect(fixture.entered()).toEqual(whole('vpn'))
  expect(whole('vpn')).toEqual([
    'takePermit',
    'loadContext',
    'firstFactor',
    'loadEnrolment',
    'findPolicy',
    'recogniseTrust',
    'takeApproval',
    'secondFactorByPolicy',
    'authorize',
    'holdToQuotas',
    'openSession',
    'equalizeCost',
    'explainCode',
    'replayGrant',
    'recordOutcome',
    'holdAnswer',
  ])
  await fixture.login('wrong')
  expect(fixture.entered()).toEqual(upTo('vpn', 'firstFactor'))
})

it('a sign-in at the portal enters those of its column', async () => {
  const fixture = await fixtureWithBob()
  const state = stateOf(await fixture.signIn('right'))
  expect(fixture.entered()).toEqual(upTo('portal', 'secondFactor'))
  expect(await fixture.signIn(fixture.code(), { state })).toMatchObject({ kind: 'signed_in', factors: 2 })
  expect(fixture.entered()).toEqual(whole('portal'))
})

it('a sign-in with an enrolment ticket enters those of its column', async () => {
  const fixture = await createLoginFixture()
  const { now } = fixture.time
  const invitation = { id: '1', subject: 'bob', createdAt: now, createdBy: 'alice', expiresAt: now + 1000 }
  await fixture.records.invitations.put({ ...invitation, hash: invitationHash('abcd') })
  expect(await fixture.enter('abcd')).toMatchObject({ kind: 'signed_in', ticket: 'invitation' })
  expect(fixture.entered()).toEqual(whole('ticket'))
  await fixture.enter('abcd')
  expect(fixture.entered()).toEqual(upTo('ticket', 'redeemTicket'))
})

it('a step-up enters those of its column', async () => {
  const fixture = await fixtureWithBob()
  expect(await fixture.showAgain(fixture.code())).toMatchObject({ kind: 'signed_in', factors: 2 })
  expect(fixture.entered()).toEqual(whole('stepUp'))
  await fixture.showAgain('000000')
  expect(fixture.entered()).toEqual(upTo('stepUp', 'secondFactor'))
})

it('a login above a rate limit enters the first step alone', async () => {
  const fixture = await createLoginFixture({ userRate: 1 })
  await fixture.login('wrong')
  fixture.entered()
  expect(await fixture.login('wrong')).toMatchObject({ reason: 'rate_limited' })
  expect(fixture.entered()).toEqual(['takePermit'])
})

it('the compiler lets nobody in past a step', () => {
  expectTypeOf<Yield<typeof STEPS, 'vpn', LoginAttempt>>().toEqualTypeOf<Grant>()
  expectTypeOf<Yield<typeof STEPS, 'portal', LoginAttempt>>().toEqualTypeOf<SignedIn>()
  expectTypeOf<Yield<typeof STEPS, 'passkey', LoginAttempt>>().toEqualTypeOf<SignedIn>()
  type WithoutFactors = readonly [
    readonly [typeof takePermit, true, true, true, true, true, true],
    readonly [typeof loadContext, true, true, true, true, true, true],
    readonly [typeof openSession, true, false, false, false, false, false],
  ]
  expectTypeOf<Yield<WithoutFactors, 'vpn', LoginAttempt>>().not.toExtend<Grant | AskForCode>()
  type WithoutPermit = readonly [readonly [typeof loadContext, true, true, true, true, true, true]]
  expectTypeOf<Yield<WithoutPermit, 'vpn', LoginAttempt>>().toHaveProperty('takes')
  expectTypeOf<Parameters<typeof firstFactor>[0]>().not.toEqualTypeOf<LoginAttempt>()
})

it('a sign-in tells what had ended the user’s sessions before the records admitted the user', async () => {
  const fixture = await fixtureWithBob()
  const { login } = fixture.records
  const admit = login.admit.bind(login)
  vi.spyOn(login, 'admit').mockImplementation(async (admission) => {
    await fixture.endings.put('bob', 'a revocation just then', 60_000)
    return admit(admission)
  })
  const state = stateOf(await fixture.signIn('right'))
  const endings = { bob: null }
  expect(await fixture.signIn(fixture.code(), { state })).toMatchObject({ kind: 'signed_in', endings })
})

it('a sign-in names the authenticator whose code was right', async () => {
  const fixture = await createLoginFixture()
  const { id: enrolment } = await fixture.enrol('bob')
  const state = stateOf(await fixture.signIn('right'))
  expect(await fixture.signIn(fixture.code(), { state })).toMatchObject({ kind: 'signed_in', enrolment })
})
