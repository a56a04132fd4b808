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
