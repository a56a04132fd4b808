import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { refuse } from '../../src/domain/refusal.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { Decision } from '../../src/login/flow.ts'
import type { Login } from '../../src/login/login.ts'
import type { SecondFactorMode } from '../../src/login/split-password-and-code.ts'
import { explainCode } from '../../src/login/steps/explain-code.ts'
import { replyTo } from '../../src/transport/reply.ts'
import { createLoginFixture, type LoginFixture } from './fixture.ts'

const CLUE = { aheadSeconds: 195 }

async function answer(fixture: LoginFixture, code: string): Promise<Decision> {
  const challenge = await fixture.login('right')
  if (challenge.kind !== 'challenge') return expect.unreachable(JSON.stringify(challenge))
  return fixture.login(code, { state: challenge.state })
}

async function lastRefusal({ records }: LoginFixture) {
  const [event] = await records.audit.list({ kinds: ['login.refused'], limit: 1 })
  return event
}

describe('a code that is right at another time', () => {
  it('is wrong to the user as any other, counts as any other, and only the operator reads more', async () => {
    const fixture = await createLoginFixture({ rules: { after: 3 } })
    await fixture.enrol('bob')
    const octets = (decision: Decision) => {
      const same = decision.kind === 'challenge' ? { ...decision, state: 'the same' } : decision
      return replyTo(same, { locale: 'en', tellLocked: true })
    }
    const far = await answer(fixture, fixture.code(6))
    const event = await lastRefusal(fixture)
    const other = await answer(fixture, '000000')
    expect(far).toMatchObject({ kind: 'challenge', prompt: { kind: 'wrong_code', triesLeft: 2 }, clue: CLUE })
    expect(octets(far)).toEqual(octets(other))
    expect(event).toMatchObject({
      reason: 'wrong_code',
      clue: CLUE,
      detail: 'wrong code: right on a clock 3 m ahead',
    })
    expect(await lastRefusal(fixture)).toMatchObject({ reason: 'wrong_code', detail: 'wrong code' })
    expect(await answer(fixture, fixture.code(6))).toMatchObject({ kind: 'refusal', reason: 'locked' })
  })

  it('is told at the portal and beside the password too', async () => {
    const append = await createLoginFixture({ mode: 'append' })
    await append.enrol('bob')
    expect(await append.login(`right${append.code(6)}`)).toMatchObject({ reason: 'wrong_code', clue: CLUE })
    const portal = await createLoginFixture()
    await portal.enrol('bob')
    const challenge = await portal.signIn('right')
    if (challenge.kind !== 'challenge') return expect.unreachable()
    await portal.signIn(portal.code(6), { state: challenge.state })
    expect(await lastRefusal(portal)).toMatchObject({ clue: CLUE })
  })

  it.each([
    ['a code that is right elsewhere', { wrongCode: 'elsewhere' }, 3],
    ['a code that is right elsewhere on one of two', { wrongCode: 'elsewhere', count: 2 }, 6],
    ['a code that is right nowhere on either of two', { wrongCode: 'nowhere', count: 2 }, 6],
    ['a wrong password of a user with two', { count: 2 }, 6],
    ['a code that is right nowhere', { wrongCode: 'nowhere' }, 3],
    ['a wrong password where the code comes with it', {}, 3],
    ['a wrong password where a prompt asks for the code', { mode: 'challenge' }, 0],
    ['a refusal that is no guess', { counts: false }, 0],
  ] as const)('%s costs as many searches as others', async (_, more, searches) => {
    const {
      mode = 'append',
      counts = true,
      count = 1,
      wrongCode,
    }: { mode?: SecondFactorMode; counts?: boolean; count?: number; wrongCode?: string } = more
    const fixture = await createLoginFixture()
    const enrolment = await fixture.enrol('bob')
    const several = Array.from({ length: count }, () => enrolment)
    const code = wrongCode === 'elsewhere' ? fixture.code(6) : '000000'
    const login = {
      wrongCode: wrongCode && { enrolments: several, typed: new Secret(code) },
      authenticators: several.length,
      attempt: {},
      rules: { mode },
      options: {
        keys: { open: () => new Secret(Buffer.from('twenty octets of it!')) },
        clock: { now: () => fixture.time.now },
      },
    } as unknown as Login
    const read = vi.spyOn(Secret.prototype, 'bytes')
    onTestFinished(() => read.mockRestore())
    const verdict = explainCode({ ...refuse('wrong_code', 'wrong code'), counts }, login)
    expect(read).toHaveBeenCalledTimes(searches)
    expect('clue' in verdict).toBe(wrongCode === 'elsewhere')
  })
})
