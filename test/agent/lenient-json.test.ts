import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Loose, parseLoosely } from '../../src/agent/lenient-json.ts'
import { captured } from './captured.ts'

const asMap = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(asMap)
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([key, each]) => [key, asMap(each)]))
  return String(value)
}

test('reads what is JSON', () => {
  const json = fc.jsonValue({ maxDepth: 5 })
  fc.assert(
    fc.property(json, (value) => {
      // The same key twice in one value is another test's.
      expect(parseLoosely(JSON.stringify(value))).toEqual(asMap(JSON.parse(JSON.stringify(value))))
    }),
  )
})

test('reads what occtl prints: a comma too many, tabs, and a key that stands twice', () => {
  const [first] = parseLoosely(captured('sessions-json.txt').toString()) as readonly ReadonlyMap<
    string,
    Loose
  >[]
  expect(first?.get('in_use')).toBe('1')
  const twice =
    '[ {\n "DNS":\t[],\n "Routes":\t[],\n "Routes":  "defaultroute",\n "MTU": 1434,\n },\n ]\n\nPress q'
  expect(parseLoosely(twice)).toEqual([
    new Map<string, unknown>([
      ['DNS', []],
      ['Routes', undefined],
      ['MTU', '1434'],
    ]),
  ])
})

test('believes neither of two values of one key', () => {
  const value = parseLoosely('{"ID": 7, "Hostname": "x", "ID": 8, "ID": 9}') as ReadonlyMap<string, Loose>
  expect(value.get('ID')).toBeUndefined()
})

test('ends for every text, with a value or an error', () => {
  const marks = fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', ' ', '\t', '\\u00', 'a', '1')
  fc.assert(
    fc.property(fc.array(marks), (parts) => {
      try {
        parseLoosely(parts.join(''))
      } catch (error) {
        expect(String(error)).toMatch(/^Error: occtl printed/)
      }
    }),
    { numRuns: 2000 },
  )
  expect(() => parseLoosely('['.repeat(100_000))).toThrow('nested too deeply')
})
