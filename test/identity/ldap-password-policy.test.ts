import { expect, test } from 'vitest'
import { policyAnswer } from '../../src/identity/ldap/mapping/password-policy.ts'

const POLICY = '1.3.6.1.4.1.42.2.27.8.5.1'
const EXPIRED = '2.16.840.1.113730.3.4.4'
const EXPIRING = '2.16.840.1.113730.3.4.5'

function answer(controls: Readonly<Record<string, string>>, code = 0) {
  const values = Object.entries(controls).map(([number, hex]): [string, Buffer] => [
    number,
    Buffer.from(hex, 'hex'),
  ])
  return policyAnswer({ code, diagnostic: '', controls: new Map(values) })
}

const said = (detail: string, tell?: string) => ({ barred: { kind: 'barred', detail, tell } })

test.each([
  ['nothing', '3000', {}],
  ['an expired password', '3003810100', said('the password has expired', 'password_expired')],
  ['a locked account', '3003810101', said('the account is locked in the directory')],
  [
    'a password that was reset',
    '3003810102',
    said('the password must be changed first', 'password_to_change'),
  ],
  ['an expiry, in seconds', '3006a00480020e10', { notice: { kind: 'expiring', seconds: 3600 } }],
  ['grace logins', '3005a003810103', { notice: { kind: 'grace_logins', left: 3 } }],
  [
    'the same in long lengths',
    '308400000009a08400000003810102',
    { notice: { kind: 'grace_logins', left: 2 } },
  ],
  ['an error that is no concern of a login', '3003810106', {}],
])('the answer to a bind tells %s', (_what, hex, expected) => {
  expect(answer({ [POLICY]: hex })).toEqual(expected)
})

test.each(['30', '3005a0038101', '3080', '30ff', '308500000000', '0500', 'a003810103', '3005a003810180'])(
  'what cannot be read tells nothing: %s',
  (hex) => {
    expect(answer({ [POLICY]: hex }).barred).toBeUndefined()
    expect(answer({ [POLICY]: hex }).notice ?? { left: undefined }).toMatchObject({ left: undefined })
  },
)

test('so do the controls that come unasked', () => {
  expect(answer({ [EXPIRED]: '30' })).toEqual(
    said('the password must be changed first', 'password_to_change'),
  )
  expect(answer({ [EXPIRED]: '30' }, 49)).toEqual(said('the password has expired', 'password_expired'))
  expect(answer({ [EXPIRED]: '30', [POLICY]: '3005a003810100' })).toEqual({
    notice: { kind: 'grace_logins', left: 0 },
  })
  expect(answer({ [EXPIRING]: '33363030' })).toEqual({ notice: { kind: 'expiring', seconds: 3600 } })
})
