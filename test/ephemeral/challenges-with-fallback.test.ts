import { expect, test } from 'vitest'
import type { PendingChallenge } from '../../src/domain/challenge.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { challengesWithFallback, type LocalChallenge } from '../../src/ephemeral/challenges-with-fallback.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { RetryQueue } from '../../src/redis/retry-queue.ts'

const CHALLENGE = { user: 'bob', gateway: 'gw1' } as PendingChallenge

test('a State that a worker answered while Redis was unavailable is spent for its successor and for other workers', async () => {
  const clock = { now: () => 0, monotonic: () => 0 }
  const store = <Value>(name: string) => memoryStore<Value>({ name, clock, capacity: 10 })
  // In the parent of all workers.
  const [local, spent] = [store<LocalChallenge>('local'), store<true>('spent')]
  const redis = store<PendingChallenge>('redis')
  let isDown = false
  const whileUp = <Answer>(work: () => Promise<Answer>): Promise<Answer> =>
    isDown ? Promise.reject(new Unavailable('redis', 'not connected')) : work()
  const shared: Parameters<typeof challengesWithFallback>[0]['shared'] = {
    put: (...what) => whileUp(() => redis.put(...what)),
    take: (state) => whileUp(() => redis.take(state)),
    delete: (state) => whileUp(() => redis.delete(state)),
  }
  const worker = () => {
    const retries = new RetryQueue({ maxAgeMs: 60_000, clock })
    return { retries, challenges: challengesWithFallback({ shared, local, spent, retries, clock }) }
  }

  const [first, beside] = [worker(), worker()]
  await first.challenges.put('state', CHALLENGE, 60_000)
  isDown = true
  expect(await first.challenges.take('state')).toEqual(CHALLENGE)
  first.retries.close()
  isDown = false
  expect(await beside.challenges.take('state')).toBeUndefined()
  expect(await worker().challenges.take('state')).toBeUndefined()
})
