import { describe, expect, it } from 'vitest'
import { OldestFirst } from '../../src/domain/oldest-first.ts'

function of(...keys: readonly string[]): OldestFirst<string> {
  const values = new OldestFirst<string>()
  for (const key of keys) values.set(key, key.toUpperCase())
  return values
}

const keysOf = (values: OldestFirst<string>) => [...values].map(([key]) => key).join('')

describe('values, the oldest first', () => {
  it('come in the order in which they were set last', () => {
    const values = of('a', 'b', 'c')
    values.set('a', 'again')
    expect(keysOf(values)).toBe('bca')
    expect(values.get('a')).toBe('again')
    expect(values.oldest).toMatchObject({ key: 'b', value: 'B' })
    expect(values.size).toBe(3)
  })

  it('keep their order where the first, the last, the middle and the only one are deleted', () => {
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

  it('are dropped from the oldest on, up to the first that does not end', () => {
    const values = of('a', 'b', 'c', 'b')
    values.dropWhile((value) => value !== 'C')
    expect(keysOf(values)).toBe('cb')
    values.dropWhile(() => true)
    expect(values.size).toBe(0)
  })

  it('can be deleted while they are gone through', () => {
    const values = of('a', 'b', 'c')
    for (const [key] of values) if (key !== 'b') values.delete(key)
    expect(keysOf(values)).toBe('b')
  })
})
