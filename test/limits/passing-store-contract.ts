import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { PassingStore } from '../../src/domain/passing-store.ts'

/** Long enough that no slow machine outlives it by chance. */
const LONG = 60_000
const SHORT = 60

interface Kept {
  readonly who: string
  readonly list?: readonly number[]
}

/**
 * What every store of passing state must do, by real time. Keys are made anew, so that the store may be shared.
 * @param open called within each test.
 */
export function passingStoreContract(name: string, open: () => Promise<PassingStore<Kept>>): void {
  let made = 0
  const fresh = () => `key-${process.pid}-${performance.now()}-${made++}`

  describe(`passing state ${name}`, () => {
    test('gives back what was put, and forgets what was deleted', async () => {
      const store = await open()
      const key = fresh()
      expect(await store.get(key)).toBeUndefined()
      await store.put(key, { who: 'ünï', list: [1, 2] }, LONG)
      expect(await store.get(key)).toEqual({ who: 'ünï', list: [1, 2] })
      await store.put(key, { who: 'another' }, LONG)
      expect(await store.get(key)).toEqual({ who: 'another' })
      await store.delete(key)
      expect(await store.get(key)).toBeUndefined()
      await store.delete(key)
    })

    test('forgets a value when its time is over', async () => {
      const store = await open()
      const [short, long] = [fresh(), fresh()]
      await store.put(short, { who: 'short' }, SHORT)
      await store.put(long, { who: 'long' }, LONG)
      await sleep(SHORT * 3)
      expect(await store.get(short)).toBeUndefined()
      expect(await store.take(short)).toBeUndefined()
      expect(await store.putIfPresent(short, { who: 'back' }, LONG)).toBe(false)
      expect(await store.putIfAbsent(short, { who: 'anew' }, LONG)).toBe(true)
      expect(await store.get(long)).toEqual({ who: 'long' })
    })

    test('gives a value to one of many takers', async () => {
      const store = await open()
      const key = fresh()
      await store.put(key, { who: 'one' }, LONG)
      const taken = await Promise.all(Array.from({ length: 20 }, () => store.take(key)))
      expect(taken.filter((value) => value !== undefined)).toEqual([{ who: 'one' }])
    })

    test('lets one of many put what is not there yet', async () => {
      const store = await open()
      const key = fresh()
      const put = await Promise.all(
        Array.from({ length: 20 }, (_, n) => store.putIfAbsent(key, { who: `caller ${n}` }, LONG)),
      )
      expect(put.filter(Boolean)).toHaveLength(1)
      expect(await store.get(key)).toEqual({ who: `caller ${put.indexOf(true)}` })
    })

    test('puts where something is, and never brings back what is gone', async () => {
      const store = await open()
      const key = fresh()
      expect(await store.putIfPresent(key, { who: 'late' }, LONG)).toBe(false)
      expect(await store.get(key)).toBeUndefined()
      await store.put(key, { who: 'first' }, SHORT)
      expect(await store.putIfPresent(key, { who: 'second' }, LONG)).toBe(true)
      await sleep(SHORT * 3)
      expect(await store.get(key)).toEqual({ who: 'second' })
    })

    test('keeps what is under odd keys apart', async () => {
      const store = await open()
      const key = fresh()
      const odd = [`${key}__proto__`, `${key}:a`, `${key}:a:b`, `${key} 空`]
      for (const each of odd) await store.put(each, { who: each }, LONG)
      for (const each of odd) expect(await store.get(each)).toEqual({ who: each })
    })
  })
}
