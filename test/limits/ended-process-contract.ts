import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttemptLimits, LimitSubject } from '../../src/domain/attempt-limits.ts'
import type { AttemptLimitRules } from '../../src/limits/attempt-limits.ts'
import { granted, newSubject, rulesOf } from './attempt-limits-contract.ts'

export interface EndingBrokers {
  /** The limits of two processes that share them, the first of which can end. */
  limits(rules: AttemptLimitRules): readonly [AttemptLimits, AttemptLimits]
  /** The first process of the last two has ended, with attempts in flight. */
  end(): Promise<void>
  close(): Promise<void>
}

/** What every counter that outlives a process must do when one ends. */
export function endedProcessContract(name: string, open: () => Promise<EndingBrokers>): void {
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
      const subject = newSubject()
      const next = (): LimitSubject => ({
        ...newSubject(),
        ...Object.fromEntries(same.map((key) => [key, subject[key]])),
      })
      for (let count = 0; count < 2; count++) granted(await ending.take(next()))
      expect(await other.take(next()), 'it has not ended').toMatchObject(refused)
      await opened().end()
      for (let count = 0; count < 2; count++) granted(await other.take(next()))
      expect(await other.take(next()), 'nothing more came free').toMatchObject(refused)
    })

    test('leave the guesses of others in flight, and failures', async () => {
      const [ending, other] = opened().limits(rulesOf({ after: 4 }))
      const subject = newSubject()
      await granted(await ending.take(subject)).fail(async () => undefined)
      granted(await other.take(subject))
      await granted(await other.take(subject)).fail(async () => undefined)
      granted(await ending.take(subject))
      expect(await other.take(subject)).toMatchObject(refused)
      await opened().end()
      granted(await other.take(subject))
      expect(await other.take(subject)).toMatchObject(refused)
    })

    test('keep counting in the rates', async () => {
      const [ending, other] = opened().limits(rulesOf({ user: 2 }))
      const subject = newSubject()
      granted(await ending.take(subject))
      await opened().end()
      granted(await other.take(subject))
      expect(await other.take(subject)).toMatchObject({ kind: 'limited', by: 'user' })
    })

    test('leave their requests to be taken again, and not those of others', async () => {
      const [ending, other] = opened().limits(rulesOf({}))
      const [lost, kept] = [newSubject().user, newSubject().user]
      granted(await ending.take(newSubject(), lost))
      granted(await other.take(newSubject(), kept))
      expect(await other.take(newSubject(), lost), 'it has not ended').toEqual({ kind: 'repeated' })
      await opened().end()
      granted(await other.take(newSubject(), lost))
      expect(await other.take(newSubject(), lost)).toEqual({ kind: 'repeated' })
      expect(await other.take(newSubject(), kept)).toEqual({ kind: 'repeated' })
    })

    test('are found user by user', async () => {
      const [ending, other] = opened().limits(rulesOf({ after: 1 }))
      const [ends, stays] = [newSubject(), newSubject()]
      granted(await ending.take(ends))
      granted(await other.take(stays))
      await opened().end()
      expect(await other.take(ends)).toMatchObject({ kind: 'permit' })
      expect(await other.take(stays)).toMatchObject(refused)
    })
  })
}
