import { describe, expect, test } from 'vitest'
import { noticeWords, passwordEndIn } from '../../src/domain/account-state.ts'
import { AUDIT_KINDS, type AuditEvent } from '../../src/domain/audit.ts'
import { noticesOf } from '../../src/mail/notices.ts'

const AT = Date.UTC(2026, 0, 15, 12)
const HOUR = 3_600_000
const event = (more: Partial<AuditEvent>): AuditEvent => ({
  ...{ id: 'e1', at: AT, kind: 'login.refused', user: 'ada', address: '192.0.2.7' },
  ...more,
})
const kinds = (more: Partial<AuditEvent>) => noticesOf(event(more)).map(({ kind }) => kind)
const STEPS = 'loadContext 1.2 local corp;firstFactor 41 password corp;secondFactor 0.1;recordOutcome 2+'

describe('a wrong code', () => {
  const wrong = { reason: 'wrong_code', steps: STEPS } as const
  test('is told where the password was right: typed with it, or a moment before', () => {
    expect(kinds(wrong)).toEqual(['wrong_code'])
    expect(kinds({ ...wrong, steps: STEPS.replace('password corp', 'answer corp') })).toEqual(['wrong_code'])
  })

  test('is not told where no password was looked at', () => {
    expect(kinds({ ...wrong, steps: STEPS.replace('password corp', 'code corp') })).toEqual([])
    expect(kinds({ ...wrong, steps: 'resumeSession 1;secondFactor 0.1' })).toEqual([])
    expect(kinds({ ...wrong, reason: 'bad_credentials' })).toEqual([])
    expect(kinds({ reason: 'wrong_code' })).toEqual([])
  })

  test('has one cause for each user, network and day', () => {
    const cause = (more: Partial<AuditEvent>) => noticesOf(event({ ...wrong, ...more }))[0]?.cause
    expect(cause({ id: 'e2', at: AT + HOUR })).toEqual(cause({}))
    expect(cause({ address: '198.51.100.1' })).not.toEqual(cause({}))
    expect(cause({ at: AT + 24 * HOUR })).not.toEqual(cause({}))
    expect(cause({ address: '2001:db8:1:2::3' })).toEqual(cause({ address: '2001:db8:1:2::4' }))
  })
})

describe('a login', () => {
  const accepted = (detail: string) => kinds({ kind: 'login.accepted', detail })
  test('by a recovery code is told, and no other', () => {
    expect(accepted('policy staff, corp, recovery')).toEqual(['recovery_code'])
    expect(accepted('signed in, local, recovery; the password expires in 400 h, typed as a')).toContain(
      'recovery_code',
    )
    expect(accepted('policy staff, corp, totp')).toEqual([])
    // A policy may have any name.
    expect(accepted('policy x, y, recovery of staff, corp, totp')).toEqual([])
  })

  test('tells when the password expires, to the hour', () => {
    const words = noticeWords({ kind: 'expiring', seconds: 100 * 3600 })
    expect(noticesOf(event({ kind: 'login.accepted', detail: `policy staff, corp, totp${words}` }))).toEqual([
      expect.objectContaining({ kind: 'password_ends', name: 'ada', at: AT + 99.5 * HOUR }),
    ])
    expect(passwordEndIn(noticeWords({ kind: 'grace_logins', left: 2 }), AT)).toBeUndefined()
  })
})

test('of most events nobody is told', () => {
  const told = AUDIT_KINDS.filter((kind) => kinds({ kind }).length > 0)
  expect(new Set(told)).toEqual(new Set(['lockout.made', 'enrolment.made', 'passkey.enrolled']))
  expect(noticesOf({ id: 'e', at: AT, kind: 'lockout.made', address: '192.0.2.1' })).toEqual([])
})

test('an address is one, whatever a gateway sends', () => {
  const [notice] = noticesOf(event({ kind: 'lockout.made', address: 'visit http://evil.example' }))
  expect(notice).toMatchObject({ kind: 'locked', name: 'ada' })
  expect(notice?.address).toBeUndefined()
})
