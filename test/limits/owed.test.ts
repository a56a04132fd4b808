import { expect, test } from 'vitest'
import { Owed } from '../../src/limits/owed.ts'

/** A store that can be away, and what it was told. */
function owing(options: { readonly atMost?: number; readonly forMs?: number } = {}) {
  const time = { now: 0 }
  const store = { isAway: true, told: [] as string[], tries: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const owed = new Owed({ forMs: 1000, retryMs: 5, clock, ...options })
  const add = (what: string) =>
    owed.add(async (agoMs) => {
      store.tries += 1
      if (store.isAway) throw new Error('away')
      store.told.push(`${what} ${agoMs}`)
    }, time.now)
  return { time, store, owed, add }
}

test('what is owed is done when the store is back, once, the oldest first, with how long ago it was', async () => {
  const { time, store, owed, add } = owing()
  for (const what of ['one', 'two']) {
    add(what)
    time.now += 10
  }
  await expect.poll(() => store.tries).toBeGreaterThan(2)
  expect(store.told).toEqual([])
  store.isAway = false
  await expect.poll(() => owed.isEmpty).toBe(true)
  expect(store.told).toEqual(['one 20', 'two 10'])
  const { tries } = store
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(store.tries).toBe(tries)
})

test('while the store is away one debt finds that out, and whoever knows that it is back need not wait', async () => {
  const { store, owed, add } = owing()
  for (let count = 0; count < 500; count++) add(String(count))
  owed.pay()
  await Promise.resolve()
  expect(store.tries).toBe(1)
  await expect.poll(() => store.tries).toBeGreaterThan(1)
  owed.close()
  store.isAway = false
  owed.pay()
  expect(store.told, 'it is closed').toEqual([])
})

test('what does not matter any more is forgotten, and so is the oldest of too many', async () => {
  const { time, store, owed, add } = owing({ atMost: 3 })
  for (const what of ['one', 'two', 'three', 'four']) add(what)
  time.now = 900
  add('five')
  time.now = 1100
  store.isAway = false
  await expect.poll(() => owed.isEmpty).toBe(true)
  expect(store.told).toEqual(['five 200'])
})
