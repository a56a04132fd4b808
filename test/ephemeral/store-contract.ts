import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { EphemeralStore } from '../../src/domain/ephemeral-store.ts'

/** Outlasts every test, also on a slow machine. */
const LONG = 60_000
const SHORT = 60

interface Kept {
  readonly who: string
  readonly list?: readonly number[]
}

/**
 * What every ephemeral store must do, in real time. Each test uses new keys, so that the store may be shared.
 * @param open called within each test.
 */
export function ephemeralStoreContract(name: string, open: () => Promise<EphemeralStore<Kept>>): void {
  let made = 0
  const fresh = () => `key-${process.pid}-${performance.now()}-${made++}`

  describe(`an ephemeral store ${name}`, () => {
    test('returns what was put, and nothing after a delete', async () => {
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

    test('forgets a value when it expires', async () => {
      const store = await open()
      const [short, long] = [fresh(), fresh()]
      await store.put(short, { who: 'short' }, SHORT)
      await store.put(long, { who: 'long' }, LONG)
      await sleep(SHORT * 3)
      expect(await store.get(short)).toBeUndefined()
      expect(await store.take(short)).toBeUndefined()
      expect(await store.putIfPresent(short, { who: 'back' }, LONG)).toBe(false)
      expect(await store.putIfAbsent(short, { who: 'again' }, LONG)).toBe(true)
      expect(await store.get(long)).toEqual({ who: 'long' })
    })

    test('gives a value to one of many callers of take', async () => {
      const store = await open()
      const key = fresh()
      await store.put(key, { who: 'one' }, LONG)
      const taken = await Promise.all(Array.from({ length: 20 }, () => store.take(key)))
      expect(taken.filter((value) => value !== undefined)).toEqual([{ who: 'one' }])
    })

    test('lets one of many callers put an absent value', async () => {
      const store = await open()
      const key = fresh()
      const put = await Promise.all(
        Array.from({ length: 20 }, (_, n) => store.putIfAbsent(key, { who: `caller ${n}` }, LONG)),
      )
      expect(put.filter(Boolean)).toHaveLength(1)
      expect(await store.get(key)).toEqual({ who: `caller ${put.indexOf(true)}` })
    })

    test('replaces a present value, and never restores a deleted or expired one', async () => {
      const store = await open()
      const key = fresh()
      expect(await store.putIfPresent(key, { who: 'late' }, LONG)).toBe(false)
      expect(await store.get(key)).toBeUndefined()
      await store.put(key, { who: 'first' }, SHORT)
      expect(await store.putIfPresent(key, { who: 'second' }, LONG)).toBe(true)
      await sleep(SHORT * 3)
      expect(await store.get(key)).toEqual({ who: 'second' })
    })

    test('keeps values under odd keys apart', async () => {
      const store = await open()
      const key = fresh()
      const odd = [`${key}__proto__`, `${key}:a`, `${key}:a:b`, `${key} 空`]
      for (const each of odd) await store.put(each, { who: each }, LONG)
      for (const each of odd) expect(await store.get(each)).toEqual({ who: each })
    })
  })
}
