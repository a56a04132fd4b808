import { describe, expect, it } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'

type Answer = Awaited<ReturnType<House['login' | 'signIn']>>

const outcomeOf = (answer: Answer) => (answer.kind === 'refusal' ? answer.reason : answer.kind)

function stateOf(answer: Answer): string {
  return answer.kind === 'challenge' ? answer.state : expect.unreachable(`${answer.kind} is no challenge`)
}

async function houseWithBob(options?: HouseOptions): Promise<House> {
  const house = await openHouse(options)
  await house.enrol('bob')
  return house
}

// Where no second factor is required nobody is stopped for want of one: only the question itself can do it.
describe.each([
  ['a login', 'login', 'grant'],
  ['a sign-in at the portal', 'signIn', 'signed_in'],
] as const)('%s that was asked for a code', (_what, verb, entered) => {
  it('needs that code, also where the authenticator was revoked meanwhile', async () => {
    const house = await houseWithBob({ required: false })
    const state = stateOf(await house[verb]('right'))
    await house.records.enrolments.revoke('bob')
    expect(outcomeOf(await house[verb]('any word', { state }))).toBe('challenge_expired')
  })

  it('takes no code of an authenticator that was enrolled meanwhile', async () => {
    const house = await houseWithBob({ required: false })
    const state = stateOf(await house[verb]('right'))
    await house.enrol('bob')
    expect(outcomeOf(await house[verb](house.code(), { state }))).toBe('challenge_expired')
  })

  it('takes no recovery code of one either', async () => {
    const house = await houseWithBob({ required: false })
    const state = stateOf(await house[verb]('right'))
    const code = newRecoveryCode(systemRandom)
    await house.enrol('bob', 6, [recoveryCodeHash('bob', code)])
    expect(outcomeOf(await house[verb](code, { state }))).toBe('challenge_expired')
  })

  it('needs it after a wrong one, too', async () => {
    const house = await houseWithBob({ required: false })
    const again = stateOf(await house[verb]('000000', { state: stateOf(await house[verb]('right')) }))
    await house.records.enrolments.revoke('bob')
    expect(outcomeOf(await house[verb]('any word', { state: again }))).toBe('challenge_expired')
  })

  it('is not gone on with as a namesake of another realm', async () => {
    const house = await openHouse({ required: false, realms: ['a.example', 'b.example'] })
    await house.enrol('bob@a.example')
    const state = stateOf(await house[verb]('right', { user: 'bob@a.example' }))
    expect(outcomeOf(await house[verb](house.code(), { user: 'bob@b.example', state }))).toBe(
      'challenge_expired',
    )
    const other = stateOf(await house[verb]('right', { user: 'bob@a.example' }))
    expect(outcomeOf(await house[verb](house.code(), { user: 'bob@a.example', state: other }))).toBe(entered)
  })

  it('ends for a user who was disabled meanwhile, whatever the code', async () => {
    const house = await houseWithBob()
    const state = stateOf(await house[verb]('right'))
    house.people.barred.add('bob')
    expect(outcomeOf(await house[verb](house.code(), { state }))).toBe('barred')
  })

  it('ends for a user who was removed meanwhile', async () => {
    const house = await houseWithBob()
    const state = stateOf(await house[verb]('right'))
    house.people.passwords.delete('bob')
    expect(outcomeOf(await house[verb](house.code(), { state }))).toBe('bad_credentials')
  })
})

it('a login that was asked to enrol gets in by the code of what was enrolled, after a wrong one as well', async () => {
  const house = await openHouse({ enrolsAtLogin: true })
  const prompt = await house.login('right')
  await house.enrol('bob')
  const again = await house.login('000000', { state: stateOf(prompt) })
  expect(again).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code' } })
  expect(outcomeOf(await house.login(house.code(), { state: stateOf(again) }))).toBe('grant')
})
