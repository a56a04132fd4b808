import { describe, expect, it, vi } from 'vitest'
import type { Decision } from '../../src/login/flow.ts'
import { replyTo } from '../../src/transport/reply.ts'
import { createLoginFixture, type LoginFixture } from './fixture.ts'

const CLUE = { aheadSeconds: 195 }

/** Of each search for a code: how many codes it compares, by which digest. */
const searches = vi.hoisted((): [codes: number, algorithm: string][] => [])
vi.mock(import('../../src/domain/one-time-code.ts'), async (original) => {
  const { findCounter, ...rest } = await original()
  return {
    ...rest,
    findCounter(seed, shape, code, first, end) {
      searches.push([end - first + 1, shape.algorithm])
      return findCounter(seed, shape, code, first, end)
    },
  }
})

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

  it('costs the same search as every wrong code, and in append mode as a wrong password', async () => {
    const fixture = await createLoginFixture({ mode: 'append', rules: { after: 99 } })
    await fixture.enrol('bob')
    const searched = async (typed: string) => {
      searches.splice(0)
      await fixture.login(typed)
      return searches.slice(-3)
    }
    const inVain = await searched('right000000')
    expect(inVain).toEqual([
      [241, 'sha1'],
      [21, 'sha256'],
      [21, 'sha512'],
    ])
    expect(await searched(`right${fixture.code(6)}`)).toEqual(inVain)
    expect(await searched('wrong')).toEqual(inVain)
  })
})
