import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttemptLimits, Guesser } from '../../src/domain/limits.ts'
import type { AttemptLimitRules } from '../../src/limits/attempt-limits.ts'
import { granted, rulesOf, somebody } from './attempt-limits-contract.ts'

export interface EndingBrokers {
  /** The limits of two processes that share them, the first of which can end. */
  limits(rules: AttemptLimitRules): readonly [AttemptLimits, AttemptLimits]
  /** The first process of those that were opened last has ended, in the midst of what it did. */
  end(): Promise<void>
  close(): Promise<void>
}

/** What every tally that outlives a process must do when one ends. */
export function endedRunContract(name: string, open: () => Promise<EndingBrokers>): void {
  describe(`the guesses of a process that has ended, ${name}`, () => {
    let brokers: EndingBrokers | undefined
    const opened = (): EndingBrokers => brokers ?? expect.unreachable('not open')

    beforeAll(async () => {
      brokers = await open()
    })
    afterAll(() => brokers?.close())

    const refused = { kind: 'limited', by: 'guesses' }

    test.each([
      ['of one user from one address', { after: 2 }, ['user', 'address']],
      ['of one user', { userAfter: 2 }, ['user']],
      ['of one address', { addressAfter: 2 }, ['address']],
    ] as const)('hold no budget %s', async (_, rules, same) => {
      const [ending, other] = opened().limits(rulesOf(rules))
      const guesser = somebody()
      const next = (): Guesser => ({
        ...somebody(),
        ...Object.fromEntries(same.map((key) => [key, guesser[key]])),
      })
      for (let begun = 0; begun < 2; begun++) granted(await ending.take(next()))
      expect(await other.take(next()), 'it has not ended').toMatchObject(refused)
      await opened().end()
      for (let begun = 0; begun < 2; begun++) granted(await other.take(next()))
      expect(await other.take(next()), 'nothing more came free').toMatchObject(refused)
    })

    test('leave those of others in flight, and what has failed', async () => {
      const [ending, other] = opened().limits(rulesOf({ after: 4 }))
      const guesser = somebody()
      await granted(await ending.take(guesser)).failed(async () => undefined)
      granted(await other.take(guesser))
      await granted(await other.take(guesser)).failed(async () => undefined)
      granted(await ending.take(guesser))
      expect(await other.take(guesser)).toMatchObject(refused)
      await opened().end()
      granted(await other.take(guesser))
      expect(await other.take(guesser)).toMatchObject(refused)
    })

    test('go on counting in the rates', async () => {
      const [ending, other] = opened().limits(rulesOf({ user: 2 }))
      const guesser = somebody()
      granted(await ending.take(guesser))
      await opened().end()
      granted(await other.take(guesser))
      expect(await other.take(guesser)).toMatchObject({ kind: 'limited', by: 'user' })
    })

    test('are looked for user by user', async () => {
      const [ending, other] = opened().limits(rulesOf({ after: 1 }))
      const [ends, stays] = [somebody(), somebody()]
      granted(await ending.take(ends))
      granted(await other.take(stays))
      await opened().end()
      expect(await other.take(ends)).toMatchObject({ kind: 'permit' })
      expect(await other.take(stays)).toMatchObject(refused)
    })
  })
}
