import { describe, expect, it } from 'vitest'
import { LinkedMap } from '../../src/pacing/linked-map.ts'

function of(...keys: readonly string[]): LinkedMap<string> {
  const values = new LinkedMap<string>()
  for (const key of keys) values.set(key, key.toUpperCase())
  return values
}

const keysOf = (values: LinkedMap<string>) => [...values].map(([key]) => key).join('')

describe('a linked map', () => {
  it('iterates in the order in which values were last set', () => {
    const values = of('a', 'b', 'c')
    values.set('a', 'again')
    expect(keysOf(values)).toBe('bca')
    expect(values.get('a')).toBe('again')
    expect(values.oldest).toMatchObject({ key: 'b', value: 'B' })
    expect(values.size).toBe(3)
  })

  it('keeps its order when the first, last, middle or only value is deleted', () => {
    for (const [gone, left] of [
      ['a', 'bc'],
      ['b', 'ac'],
      ['c', 'ab'],
    ] as const) {
      const values = of('a', 'b', 'c')
      expect(values.delete(gone)).toBe(true)
      expect(values.delete(gone)).toBe(false)
      values.set('d', 'D')
      expect(keysOf(values)).toBe(`${left}d`)
    }
    const one = of('a')
    one.delete('a')
    expect([one.size, one.oldest, keysOf(one)]).toEqual([0, undefined, ''])
    one.set('b', 'B')
    expect(keysOf(one)).toBe('b')
  })

  it('drops the oldest values up to the first that fails the condition', () => {
    const values = of('a', 'b', 'c', 'b')
    values.dropWhile((value) => value !== 'C')
    expect(keysOf(values)).toBe('cb')
    values.dropWhile(() => true)
    expect(values.size).toBe(0)
  })

  it('allows deletion during iteration', () => {
    const values = of('a', 'b', 'c')
    for (const [key] of values) if (key !== 'b') values.delete(key)
    expect(keysOf(values)).toBe('b')
  })
})
