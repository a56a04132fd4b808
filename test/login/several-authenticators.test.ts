import { expect, it, vi } from 'vitest'
import { newRecoveryCode, recoveryCodeHash, scratchCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { createLoginFixture, type LoginFixture, type LoginFixtureOptions, SEED } from './fixture.ts'

const OTHER = new Secret(Buffer.from('another twenty octet'))

type Answer = Awaited<ReturnType<LoginFixture['login' | 'signIn']>>

const outcomeOf = (answer: Answer) => (answer.kind === 'refusal' ? answer.reason : answer.kind)

function stateOf(answer: Answer): string {
  return answer.kind === 'challenge' ? answer.state : expect.unreachable(`${answer.kind} is no challenge`)
}

async function withTwo(options?: LoginFixtureOptions, digits: 6 | 8 = 6) {
  const fixture = await createLoginFixture(options)
  const first = await fixture.enrol('bob')
  const second = await fixture.enrolAnother('bob', OTHER, { digits })
  return { ...fixture, first, second, other: (steps = 0) => fixture.code(steps, digits, OTHER) }
}

it('a code of any of the user’s authenticators is right, each once', async () => {
  const { code, other, login } = await withTwo({ mode: 'append' })
  const outcomes: string[] = []
  for (const each of [code(), other(), code(), other()]) outcomes.push(outcomeOf(await login(`right${each}`)))
  expect(outcomes).toEqual(['grant', 'grant', 'code_used', 'code_used'])
})

it.each([
  ['the first', (two: Awaited<ReturnType<typeof withTwo>>) => two.code()],
  ['the second', (two: Awaited<ReturnType<typeof withTwo>>) => two.other()],
  ['none', () => '000000'],
])('the codes of all are computed, whether %s shows what was typed', async (_, typed) => {
  const two = await withTwo()
  const state = stateOf(await two.login('right'))
  const opened = vi.spyOn(two.keys, 'open')
  const answer = await two.login(typed(two), { state })
  const clues = answer.kind === 'grant' ? 0 : 2
  expect(opened.mock.calls.map(([sealed]) => sealed)).toHaveLength(2 + clues)
  expect(new Set(opened.mock.calls.map(([sealed]) => sealed)).size).toBe(2)
})

it('what was accepted and the drift of the clock belong to the authenticator', async () => {
  const { other, login, records, first, second } = await withTwo()
  const state = stateOf(await login('right'))
  expect(outcomeOf(await login(other(1), { state }))).toBe('grant')
  const there = new Map((await records.enrolments.ofSubject('bob')).map((each) => [each.id, each]))
  expect(there.get(first.id)).toMatchObject({ lastStep: -1, driftMs: 0 })
  expect(there.get(first.id)?.usedAt).toBeUndefined()
  expect(there.get(second.id)?.driftMs).toBeGreaterThan(0)
  expect(there.get(second.id)?.usedAt).toBeDefined()
})

it('two codes in a row set the clock of the one that shows them, and of no other', async () => {
  const { code, other, login } = await withTwo()
  const [mixed, own] = [stateOf(await login('right')), stateOf(await login('right'))]
  const afterMixed = stateOf(await login(code(6), { state: mixed }))
  expect(outcomeOf(await login(other(7), { state: afterMixed }))).toBe('challenge')
  const afterOwn = stateOf(await login(other(6), { state: own }))
  expect(outcomeOf(await login(other(7), { state: afterOwn }))).toBe('grant')
})

it('the clue to a wrong code is that of the authenticator that would have shown it', async () => {
  const { other, login, records } = await withTwo({ mode: 'append' })
  expect(outcomeOf(await login(`right${other(20)}`))).toBe('wrong_code')
  const [refusal] = await records.audit.list({ kinds: ['login.refused'], limit: 1 })
  expect(refusal?.clue).toMatchObject({ aheadSeconds: expect.closeTo(600, -2) })
})

it('a prompt takes the codes of those that were there when it was asked and still are', async () => {
  const { code, other, login, records, enrolAnother, first } = await withTwo()
  const third = new Secret(Buffer.from('the third twenty oct'))
  const states = await Promise.all([1, 2, 3].map(async () => stateOf(await login('right'))))
  await enrolAnother('bob', third)
  await records.enrolments.revoke('bob', first.id)
  expect(outcomeOf(await login(code(0, 6, third), { state: states[0] }))).toBe('challenge')
  expect(outcomeOf(await login(code(), { state: states[1] }))).toBe('challenge')
  expect(outcomeOf(await login(other(), { state: states[2] }))).toBe('grant')
})

it.each(['append', 'either'] as const)(
  '%s splits by the digits of the one that shows the code',
  async (mode) => {
    const { code, other, login } = await withTwo({ mode }, 8)
    expect(outcomeOf(await login(`right${other()}`))).toBe('grant')
    expect(outcomeOf(await login(`right${code()}`))).toBe('grant')
    const wrong = outcomeOf(await login('right000000'))
    expect(wrong).toBe(mode === 'append' ? 'wrong_code' : 'bad_credentials')
  },
)

it('recovery codes are the user’s, and scratch codes of the seed that they came with', async () => {
  const { login, records, first } = await withTwo({ mode: 'append' })
  const recovery = newRecoveryCode(systemRandom)
  await records.enrolments.replace({
    enrolment: { ...first, id: systemRandom.id() },
    recoveryHashes: [recoveryCodeHash('bob', recovery)],
    scratchHashes: [scratchCodeHash(SEED, 'bob', '12345678')],
    inPlaceOf: first.id,
  })
  expect(outcomeOf(await login('right1234-5678'))).toBe('grant')
  expect(outcomeOf(await login('right1234-5678'))).toBe('wrong_code')
  expect(outcomeOf(await login(`right${recovery}`))).toBe('grant')
})

it('a sign-in names the authenticator whose code was right, and with a recovery code the oldest', async () => {
  const { other, signIn, records, first, second } = await withTwo()
  const recovery = newRecoveryCode(systemRandom)
  await records.enrolments.renewRecoveryCodes('bob', [recoveryCodeHash('bob', recovery)])
  const state = stateOf(await signIn('right'))
  expect(await signIn(other(), { state })).toMatchObject({ kind: 'signed_in', enrolment: second.id })
  const again = stateOf(await signIn('right'))
  expect(await signIn(recovery, { state: again })).toMatchObject({ kind: 'signed_in', enrolment: first.id })
})
