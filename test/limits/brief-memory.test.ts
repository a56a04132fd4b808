import { expect, test } from 'vitest'
import type { LimitReached } from '../../src/domain/limits.ts'
import { withBriefMemory } from '../../src/limits/brief-memory.ts'
import type { Tally } from '../../src/limits/tally.ts'

const LIMITED: LimitReached = { kind: 'limited', by: 'user', retryAfterMs: 1000, first: true }

/** A tally that says the same to everybody, by a clock by hand; `asked` counts the questions that reached it. */
function told(answer: LimitReached | undefined) {
  const time = { now: 0 }
  const count = { asked: 0 }
  const far: Tally = {
    async take() {
      count.asked += 1
      return answer
    },
    async giveBack() {},
    fail: async () => [],
    async forget() {},
  }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const tally = withBriefMemory(far, { clock, forMs: 50 })
  const take = (user: string) =>
    tally.take({ id: 'an attempt', rates: [{ name: 'user', key: user }], budgets: [] })
  return { take, time, count }
}

test('a refusal by a rate is repeated for a moment, and then asked for again', async () => {
  const { take, time, count } = told(LIMITED)
  expect(await take('alice')).toEqual(LIMITED)
  time.now = 20
  expect(await take('alice')).toEqual({ ...LIMITED, retryAfterMs: 980, first: false })
  expect(count.asked).toBe(1)
  time.now = 50
  expect(await take('alice')).toEqual(LIMITED)
  expect(count.asked).toBe(2)
})

test('it is repeated to nobody else, and no longer than it was to last', async () => {
  const { take, time, count } = told({ ...LIMITED, retryAfterMs: 10 })
  await take('alice')
  await take('bob')
  expect(count.asked).toBe(2)
  time.now = 10
  await take('alice')
  expect(count.asked).toBe(3)
})

test('neither a permit nor a budget of guesses is remembered', async () => {
  for (const answer of [undefined, { ...LIMITED, by: 'guesses' as const }]) {
    const { take, count } = told(answer)
    await take('alice')
    await take('alice')
    expect(count.asked).toBe(2)
  }
})
