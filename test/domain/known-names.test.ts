import fc from 'fast-check'
import { expect, test } from 'vitest'
import { namesWith, nearestNames } from '../../src/domain/known-names.ts'

const NAMES = ['alice', 'bob', 'bobby', 'carol', 'jim-bob', 'max.müller']

test('names that begin with what was typed come before those that contain it', () => {
  expect(namesWith(NAMES, 'BOB')).toEqual(['bob', 'bobby', 'jim-bob'])
  expect(namesWith(NAMES, 'MÜLL')).toEqual(['max.müller'])
  expect(namesWith(NAMES, 'nobody')).toEqual([])
})

test('a name with a slip in it is near, the nearest first', () => {
  expect(nearestNames(NAMES, 'Alcie', 5)).toEqual(['alice'])
  expect(nearestNames(NAMES, 'bobb', 5)).toEqual(['bob', 'bobby'])
  expect(nearestNames(NAMES, 'bobb', 1)).toHaveLength(1)
  expect(nearestNames(NAMES, 'zacharias', 5)).toEqual([])
})

test('a name with one character more, less or another, or two of them swapped, is found', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'abcdefgzü0189.-'), minLength: 3, maxLength: 12 })
  fc.assert(
    fc.property(letters, fc.nat(11), fc.constantFrom(...'axü9.'), fc.nat(3), (name, place, letter, kind) => {
      const at = place % (name.length - 1)
      const [before, after] = [name.slice(0, at), name.slice(at + 1)]
      const swapped = `${before}${name[at + 1]}${name[at]}${name.slice(at + 2)}`
      const typed =
        [before + after, before + letter + after, before + letter + name.slice(at), swapped][kind] ?? ''
      expect(nearestNames([name], typed, 1)).toEqual([name])
    }),
  )
})
