import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { webSessions } from '../../src/ephemeral/web-sessions.ts'
import { ephemeralStoreContract } from './store-contract.ts'
import { webSessionsContract } from './web-sessions-contract.ts'

ephemeralStoreContract('in memory', async () =>
  memoryStore({ name: 'tests', clock: systemClock, capacity: 100 }),
)

webSessionsContract(
  'in memory',
  async (limits, clock, hasAuthenticator, present) =>
    webSessions({
      sessions: memoryStore({ name: 'web sessions', clock, capacity: 100 }),
      endings: memoryStore({ name: 'endings', clock, capacity: 100 }),
      hasAuthenticator,
      hasPasskey: async (subject, id) => id === `passkey of ${subject}`,
      present,
      limits,
      clock,
      random: systemRandom,
    }),
  true,
)

test('a full store refuses new values, keeps the present ones, and has room when one has expired', async () => {
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const store = memoryStore<number>({ name: 'tests', clock, capacity: 2 })
  await store.put('a', 1, 1000)
  await store.put('b', 2, 60_000)
  await expect(store.put('c', 3, 1000)).rejects.toThrow('tests: full: 2 are held already')
  await store.put('b', 4, 60_000)
  expect(await store.get('b')).toBe(4)
  time.now = 20_000
  await store.put('c', 3, 1000)
  expect(await store.get('c')).toBe(3)
})
