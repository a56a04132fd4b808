import { expect, test } from 'vitest'
import { parseFilter } from '../../src/identity/ldap/mapping/filter-template.ts'
import { listingFilter } from '../../src/identity/ldap/mapping/listing-filter.ts'
import { nextPageOf } from '../../src/identity/ldap/wire/paged-results.ts'

test.each([
  ['(uid={user})', '(uid=*)'],
  ['(&(objectClass=person)(uid={user}))', '(&(objectClass=person)(uid=*))'],
  ['(|(uid={user})(mail={user}@example.org))', '(|(uid=*)(mail=*))'],
  ['(&(uid={user})(!(disabled=TRUE)))', '(&(uid=*)(!(disabled=TRUE)))'],
  ['(&(uid={user})(!(manager={user})))', '(&(uid=*))'],
  ['(&(uid={user})(|(ou=*)(cn:caseExactMatch:={user})))', '(&(uid=*))'],
  [
    '(&(cn={user})(memberOf:1.2.840.113556.1.4.1941:=cn=vpn))',
    '(&(cn=*)(memberOf:1.2.840.113556.1.4.1941:=cn=vpn))',
  ],
])('the filter %s of one user is %s for all', (one, all) => {
  expect(String(listingFilter(parseFilter(one, ['user'])))).toBe(all)
})

test('the next page is asked for by the cookie of the one before (RFC 2696 §3)', () => {
  const value = (hex: string) => ({
    controls: new Map([['1.2.840.113556.1.4.319', Buffer.from(hex, 'hex')]]),
  })
  expect(nextPageOf(value('3009020200c8040301ff03'))).toEqual(Buffer.from('01ff03', 'hex'))
  expect(nextPageOf(value('30050201000400'))).toBeUndefined()
  expect(nextPageOf({ controls: new Map() })).toBeUndefined()
  for (const bad of ['', '30', '3005020100', '300504000400', '30840000000002010004'])
    expect(nextPageOf(value(bad))).toBeUndefined()
})
