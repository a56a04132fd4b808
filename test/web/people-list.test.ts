import { expect, test } from 'vitest'
import { statesOf } from '../../src/web/desk/people-list.ts'

const NOW = 1_800_000_000_000
const SOON = NOW + 1000

test('a person is fine where nothing is to be done, and otherwise shows what is', () => {
  const local = { groups: [], enabled: true, hasPassword: true }
  const user = { name: 'ada', isLocked: false, enrolledAt: 1, lastLoginAt: 1, local }
  const of = (more: object) => statesOf({ ...user, ...more }, NOW, SOON)
  expect(of({})).toEqual(['fine'])
  expect(of({ local: undefined })).toEqual(['fine'])
  expect(of({ isLocked: true, lastLoginAt: undefined })).toEqual(['locked'])
  expect(of({ local: { ...local, expiresAt: NOW } })).toEqual(['expired'])
  expect(of({ local: { ...local, expiresAt: NOW + 1 } })).toEqual(['expiring'])
  expect(of({ local: { ...local, expiresAt: SOON } })).toEqual(['fine'])
  expect(of({ enrolledAt: undefined, local: { ...local, enabled: false, hasPassword: false } })).toEqual([
    'disabled',
    'no_password',
    'not_enrolled',
  ])
})
