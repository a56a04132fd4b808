import { expect, test } from 'vitest'
import type { AttemptCounter, WindowFull } from '../../src/limits/attempt-counter.ts'
import { withRejectionCache } from '../../src/limits/rejection-cache.ts'

const LIMITED: WindowFull = { kind: 'limited', by: 'user', window: 'user', retryAfterMs: 1000, first: true }

/** A counter that gives everybody the same answer, with a clock set by hand; `asked` counts the calls that reached it. */
function cacheOver(answer: WindowFull | undefined) {
  const time = { now: 0 }
  const count = { asked: 0 }
  const far: AttemptCounter = {
    async take() {
      count.asked += 1
      return answer
    },
    async refund() {},
    fail: async () => [],
    async forget() {},
    addTally: async () => 1,
    endTally: async () => 1,
  }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const cache = withRejectionCache(far, { clock, ttlMs: 50 })
  const take = (user: string) =>
    cache.take({ id: 'an attempt', rates: [{ name: 'user', key: user }], budgets: [] })
  return { take, time, count }
}

test('a rejection by a rate is repeated for a moment, and then the counter is asked again', async () => {
  const { take, time, count } = cacheOver(LIMITED)
  expect(await take('alice')).toEqual(LIMITED)
  time.now = 20
  expect(await take('alice')).toEqual({ ...LIMITED, retryAfterMs: 980, first: false })
  expect(count.asked).toBe(1)
  time.now = 50
  expect(await take('alice')).toEqual(LIMITED)
  expect(count.asked).toBe(2)
})

test('it is repeated for the same key only, and no longer than it lasts', async () => {
  const { take, time, count } = cacheOver({ ...LIMITED, retryAfterMs: 10 })
  await take('alice')
  await take('bob')
  expect(count.asked).toBe(2)
  time.now = 10
  await take('alice')
  expect(count.asked).toBe(3)
})

test('neither a permit nor a rejection by a budget is cached', async () => {
  for (const answer of [undefined, { ...LIMITED, by: 'guesses' as const }]) {
    const { take, count } = cacheOver(answer)
    await take('alice')
    await take('alice')
    expect(count.asked).toBe(2)
  }
})
