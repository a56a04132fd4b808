import { expect, test } from 'vitest'
import { RetryQueue } from '../../src/redis/retry-queue.ts'

/** A queue, and a store that can be unavailable and records what it is told. */
function fixture(options: { readonly capacity?: number } = {}) {
  const time = { now: 0 }
  const store = { isAvailable: false, done: [] as string[], tries: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const queue = new RetryQueue({ maxAgeMs: 1000, intervalMs: 5, clock, ...options })
  const add = (what: string) =>
    queue.add(async (agoMs) => {
      store.tries += 1
      if (!store.isAvailable) throw new Error('unavailable')
      store.done.push(`${what} ${agoMs}`)
    }, time.now)
  return { time, store, queue, add }
}

test('operations are done once the store is back, each once, the oldest first, with their age', async () => {
  const { time, store, queue, add } = fixture()
  for (const what of ['one', 'two']) {
    add(what)
    time.now += 10
  }
  await expect.poll(() => store.tries).toBeGreaterThan(2)
  expect(store.done).toEqual([])
  store.isAvailable = true
  await expect.poll(() => queue.isEmpty).toBe(true)
  expect(store.done).toEqual(['one 20', 'two 10'])
  const { tries } = store
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(store.tries).toBe(tries)
})

test('one operation tests whether the store is back, flush tests it at once, and a closed queue does nothing', async () => {
  const { store, queue, add } = fixture()
  for (let count = 0; count < 500; count++) add(String(count))
  queue.flush()
  await Promise.resolve()
  expect(store.tries).toBe(1)
  await expect.poll(() => store.tries).toBeGreaterThan(1)
  queue.close()
  store.isAvailable = true
  queue.flush()
  expect(store.done, 'it is closed').toEqual([])
})

test('operations that are too old are dropped, and so is the oldest of too many', async () => {
  const { time, store, queue, add } = fixture({ capacity: 3 })
  for (const what of ['one', 'two', 'three', 'four']) add(what)
  time.now = 900
  add('five')
  time.now = 1100
  store.isAvailable = true
  await expect.poll(() => queue.isEmpty).toBe(true)
  expect(store.done).toEqual(['five 200'])
})

test('the oldest of too many is dropped before it is too old', async () => {
  const { store, queue, add } = fixture({ capacity: 3 })
  for (const what of ['one', 'two', 'three', 'four']) add(what)
  store.isAvailable = true
  await expect.poll(() => queue.isEmpty).toBe(true)
  expect(store.done).toEqual(['two 0', 'three 0', 'four 0'])
})
