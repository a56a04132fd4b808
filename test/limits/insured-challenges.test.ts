import { expect, test } from 'vitest'
import type { PendingChallenge } from '../../src/domain/challenge.ts'
import { Unavailable } from '../../src/domain/person.ts'
import { insuredChallenges, type OwnChallenge } from '../../src/limits/insured-challenges.ts'
import { memoryPassingStore } from '../../src/limits/memory-passing-store.ts'
import { Owed } from '../../src/limits/owed.ts'

const CHALLENGE = { user: 'bob', gateway: 'gw1' } as PendingChallenge

test('a State that a worker answered while Redis was away is spent for the one that follows it, and beside it', async () => {
  const clock = { now: () => 0, monotonic: () => 0 }
  const store = <Value>(name: string) => memoryPassingStore<Value>({ name, clock, capacity: 10 })
  // Of the parent of all workers.
  const [own, spent] = [store<OwnChallenge>('own'), store<true>('spent')]
  const redis = store<PendingChallenge>('redis')
  let isAway = false
  const whileThere = <Answer>(work: () => Promise<Answer>): Promise<Answer> =>
    isAway ? Promise.reject(new Unavailable('redis', 'not connected')) : work()
  const shared: Parameters<typeof insuredChallenges>[0]['shared'] = {
    put: (...what) => whileThere(() => redis.put(...what)),
    take: (state) => whileThere(() => redis.take(state)),
    delete: (state) => whileThere(() => redis.delete(state)),
  }
  const worker = () => {
    const owed = new Owed({ forMs: 60_000, clock })
    return { owed, challenges: insuredChallenges({ shared, own, spent, owed, clock }) }
  }

  const [first, beside] = [worker(), worker()]
  await first.challenges.put('state', CHALLENGE, 60_000)
  isAway = true
  expect(await first.challenges.take('state')).toEqual(CHALLENGE)
  first.owed.close()
  isAway = false
  expect(await beside.challenges.take('state')).toBeUndefined()
  expect(await worker().challenges.take('state')).toBeUndefined()
})
