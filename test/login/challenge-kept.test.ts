import { describe, expect, it } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { createLoginFixture, type LoginFixture, type LoginFixtureOptions } from './fixture.ts'

type Answer = Awaited<ReturnType<LoginFixture['login' | 'signIn']>>

const outcomeOf = (answer: Answer) => (answer.kind === 'refusal' ? answer.reason : answer.kind)

function stateOf(answer: Answer): string {
  return answer.kind === 'challenge' ? answer.state : expect.unreachable(`${answer.kind} is no challenge`)
}

async function fixtureWithBob(options?: LoginFixtureOptions): Promise<LoginFixture> {
  const fixture = await createLoginFixture(options)
  await fixture.enrol('bob')
  return fixture
}

// No second factor is required here, so only the challenge itself can stop a login.
describe.each([
  ['a login', 'login', 'grant'],
  ['a sign-in at the portal', 'signIn', 'signed_in'],
] as const)('%s that was asked for a code', (_what, verb, entered) => {
  it('needs that code, also where the authenticator was revoked meanwhile', async () => {
    const fixture = await fixtureWithBob({ required: false })
    const state = stateOf(await fixture[verb]('right'))
    await fixture.records.enrolments.revoke('bob')
    expect(outcomeOf(await fixture[verb]('any word', { state }))).toBe('challenge_expired')
  })

  it('takes no code of an authenticator that was enrolled meanwhile', async () => {
    const fixture = await fixtureWithBob({ required: false })
    const state = stateOf(await fixture[verb]('right'))
    await fixture.enrol('bob')
    expect(outcomeOf(await fixture[verb](fixture.code(), { state }))).toBe('challenge_expired')
  })

  it('takes no recovery code of one either', async () => {
    const fixture = await fixtureWithBob({ required: false })
    const state = stateOf(await fixture[verb]('right'))
    const code = newRecoveryCode(systemRandom)
    await fixture.enrol('bob', 6, [recoveryCodeHash('bob', code)])
    expect(outcomeOf(await fixture[verb](code, { state }))).toBe('challenge_expired')
  })

  it('needs it after a wrong one, too', async () => {
    const fixture = await fixtureWithBob({ required: false })
    const again = stateOf(await fixture[verb]('000000', { state: stateOf(await fixture[verb]('right')) }))
    await fixture.records.enrolments.revoke('bob')
    expect(outcomeOf(await fixture[verb]('any word', { state: again }))).toBe('challenge_expired')
  })

  it('cannot be continued by a user of the same name in another realm', async () => {
    const fixture = await createLoginFixture({ required: false, realms: ['a.example', 'b.example'] })
    await fixture.enrol('bob@a.example')
    const state = stateOf(await fixture[verb]('right', { user: 'bob@a.example' }))
    expect(outcomeOf(await fixture[verb](fixture.code(), { user: 'bob@b.example', state }))).toBe(
      'challenge_expired',
    )
    const other = stateOf(await fixture[verb]('right', { user: 'bob@a.example' }))
    expect(outcomeOf(await fixture[verb](fixture.code(), { user: 'bob@a.example', state: other }))).toBe(
      entered,
    )
  })

  it('ends for a user who was disabled meanwhile, whatever the code', async () => {
    const fixture = await fixtureWithBob()
    const state = stateOf(await fixture[verb]('right'))
    fixture.people.barred.add('bob')
    expect(outcomeOf(await fixture[verb](fixture.code(), { state }))).toBe('barred')
  })

  it('ends for a user who was removed meanwhile', async () => {
    const fixture = await fixtureWithBob()
    const state = stateOf(await fixture[verb]('right'))
    fixture.people.passwords.delete('bob')
    expect(outcomeOf(await fixture[verb](fixture.code(), { state }))).toBe('bad_credentials')
  })
})

it('a login that was asked to enrol gets in by the code of what was enrolled, after a wrong one as well', async () => {
  const fixture = await createLoginFixture({ enrolsAtLogin: true })
  const prompt = await fixture.login('right')
  await fixture.enrol('bob')
  const again = await fixture.login('000000', { state: stateOf(prompt) })
  expect(again).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code' } })
  expect(outcomeOf(await fixture.login(fixture.code(), { state: stateOf(again) }))).toBe('grant')
})
