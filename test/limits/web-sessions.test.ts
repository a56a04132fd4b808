import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { memoryPassingStore } from '../../src/limits/memory-passing-store.ts'
import { webSessions } from '../../src/limits/web-sessions.ts'
import { passingStoreContract } from './passing-store-contract.ts'
import { webSessionsContract } from './web-sessions-contract.ts'

passingStoreContract('in memory', async () =>
  memoryPassingStore({ name: 'tests', clock: systemClock, capacity: 100 }),
)

webSessionsContract(
  'in memory',
  async (limits, clock, authenticatorOf) =>
    webSessions({
      sessions: memoryPassingStore({ name: 'web sessions', clock, capacity: 100 }),
      endings: memoryPassingStore({ name: 'endings', clock, capacity: 100 }),
      authenticatorOf,
      limits,
      clock,
    }),
  true,
)

test('memory that is full refuses what is new, keeps what is there, and has room when something has ended', async () => {
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const store = memoryPassingStore<number>({ name: 'tests', clock, capacity: 2 })
  await store.put('a', 1, 1000)
  await store.put('b', 2, 60_000)
  await expect(store.put('c', 3, 1000)).rejects.toThrow('tests: 2 are kept already')
  await store.put('b', 4, 60_000)
  expect(await store.get('b')).toBe(4)
  time.now = 20_000
  await store.put('c', 3, 1000)
  expect(await store.get('c')).toBe(3)
})
