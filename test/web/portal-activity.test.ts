import { expect, it } from 'vitest'
import { whyOf } from '../../src/web/portal/activity.ts'

it.each([
  [
    'a refusal by its reason',
    { kind: 'login.refused', reason: 'wrong_code' },
    { key: 'portal.why.wrong_code' },
  ],
  [
    'a refusal without the clue that operators read',
    { kind: 'login.refused', reason: 'wrong_code', detail: 'wrong code: right on a clock 94 s ahead' },
    { key: 'portal.why.wrong_code' },
  ],
  [
    'a lockout by its cause',
    {
      kind: 'lockout.made',
      detail: 'user locked until 2026-01-01T00:00:00Z: 20 failed logins of this user within 10 minutes',
    },
    { stored: '20 failed logins of this user within 10 minutes' },
  ],
  [
    'what an administrator did, without the words of one operator to another',
    { kind: 'enrolment.revoked', actor: 'ada (web)', detail: 'probably a thief' },
    { key: 'portal.why.administrator' },
  ],
  [
    'the end of a session by what ordered it',
    { kind: 'session.end_ordered', reason: 'quota', actor: 'ocbroker', detail: 'session 1' },
    { key: 'portal.why.ended.quota' },
  ],
  ['nothing of a sign-in', { kind: 'login.accepted', detail: 'signed in, local, totp' }, undefined],
] as const)('users are told why: %s', (_, event, why) => {
  expect(whyOf(event)).toEqual(why)
})
