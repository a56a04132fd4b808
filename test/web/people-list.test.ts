import { expect, test } from 'vitest'
import { statesOf } from '../../src/web/desk/people-list.ts'

const NOW = 1_800_000_000_000
const SOON = NOW + 1000

test('a person is fine where nothing is to be done, and otherwise shows what is', () => {
  const local = { groups: [], enabled: true, hasPassword: true }
  const user = { name: 'ada', isLocked: false, enrolledAt: 1, lastLoginAt: 1, local }
  const at = { now: NOW, expiresBefore: SOON, takesPasskeys: true }
  const of = (more: object, when: object = {}) => statesOf({ ...user, ...more }, { ...at, ...when })
  expect(of({})).toEqual(['fine'])
  expect(of({ local: undefined })).toEqual(['fine'])
  expect(of({ enrolledAt: undefined, passkeyAt: 1 })).toEqual(['fine'])
  expect(of({ enrolledAt: undefined, passkeyAt: 1 }, { takesPasskeys: false })).toEqual(['not_enrolled'])
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
