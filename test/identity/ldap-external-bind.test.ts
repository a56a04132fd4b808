import { expect, test } from 'vitest'
import { encodeExternalBind } from '../../src/identity/ldap/wire/requests.ts'

/** LDAPMessage of RFC 4511 §4.2 with the mechanism EXTERNAL and empty credentials. */
const BIND = '60130201030400a30c040845585445524e414c0400'

test.each([
  [1, `3018020101${BIND}`],
  [127, `301802017f${BIND}`],
  [128, `301902020080${BIND}`],
  [65_536, `301a0203010000${BIND}`],
])('a bind by SASL EXTERNAL with the message identifier %i', (id, octets) => {
  expect(encodeExternalBind(id).toString('hex')).toBe(octets)
})
