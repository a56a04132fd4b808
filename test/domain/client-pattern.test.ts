import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitsClientPattern } from '../../src/domain/client-pattern.ts'

test.each([
  ['AnyConnect*', 'AnyConnect Linux_64 4.10', true],
  ['anyconnect*', 'AnyConnect Linux_64 4.10', true],
  ['AnyConnect', 'AnyConnect Linux_64 4.10', false],
  ['*Linux*', 'AnyConnect Linux_64 4.10', true],
  ['OpenConnect VPN Agent ?.??', 'OpenConnect VPN Agent 9.01', true],
  ['OpenConnect VPN Agent ?.??', 'OpenConnect VPN Agent 9.1', false],
  ['*', '', true],
  ['?', '', false],
  ['', '', true],
  ['', 'x', false],
  ['a.c', 'abc', false],
  ['**a**', 'xxa', true],
  ['*.*', 'a*b', false],
  ['(a+)+$', 'aaaa', false],
  ['客户端*', '客户端 1', true],
  ['?', '😀', true],
])('%s and %s: %s', (pattern, client, fits) => {
  expect(fitsClientPattern(pattern, client)).toBe(fits)
})

test('says the same as the definition of a pattern', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 })
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
  const byDefinition = (pattern: string, text: string): boolean => {
    if (pattern === '') return text === ''
    if (pattern[0] === '*')
      return byDefinition(pattern.slice(1), text) || (text !== '' && byDefinition(pattern, text.slice(1)))
    return (
      text !== '' &&
      (pattern[0] === '?' || pattern[0] === text[0]) &&
      byDefinition(pattern.slice(1), text.slice(1))
    )
  }
  fc.assert(
    fc.property(patterns, letters, (pattern, text) => {
      expect(fitsClientPattern(pattern, text)).toBe(byDefinition(pattern, text))
    }),
    { numRuns: 2000 },
  )
})

test('a pattern that would keep a regular expression busy without end is over at once', () => {
  expect(fitsClientPattern(`${'*a'.repeat(50)}b`, 'a'.repeat(5000))).toBe(false)
})
