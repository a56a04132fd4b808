import { describe, expect, test } from 'vitest'
import { readAccountAttributes } from '../../src/identity/ldap/mapping/account-attributes.ts'
import { adFacts, adState, adUserFilter } from '../../src/identity/ldap/mapping/active-directory.ts'
import { bindVerdict } from '../../src/identity/ldap/mapping/bind-verdict.ts'
import { GroupMap } from '../../src/identity/ldap/mapping/group-map.ts'
import { oneLine, resultWords } from '../../src/identity/ldap/wire/result-codes.ts'

const NOW = Date.UTC(2026, 0, 2)
/** As Active Directory counts: steps of 100 ns from 1601. */
const filetime = (at: number) => String(BigInt(at) * 10_000n + 116_444_736_000_000_000n)
const entryOf = (attributes: Readonly<Record<string, string | readonly string[]>>) =>
  new Map(Object.entries(attributes).map(([name, values]) => [name, [values].flat()]))

describe('attributes of an entry', () => {
  const names = {
    ipv4: 'vpnAddress',
    ipv6: 'vpnAddress6',
    routes: 'vpnRoute',
    dns: 'vpnDns',
    reply: { 'Filter-Id': 'vpnFilter' },
  }

  test('become addresses, routes, DNS servers and reply attributes', () => {
    const entry = entryOf({
      vpnaddress: '10.8.0.7',
      vpnaddress6: '2001:DB8::7',
      vpnroute: ['10.0.0.0/8 192.0.2.1 1', '2001:db8::/32'],
      vpndns: ['10.0.0.53', '2001:db8::53', '10.0.0.54', '10.0.0.55'],
      vpnfilter: ['strict', 'second'],
    })
    expect(readAccountAttributes(entry, names)).toEqual({
      attributes: {
        ipv4: '10.8.0.7',
        ipv6: '2001:db8::7',
        routes: ['10.0.0.0/8', '2001:db8::/32'],
        dns: ['10.0.0.53', '10.0.0.54', '2001:db8::53'],
        attributes: { 'Filter-Id': 'strict' },
      },
      faults: [],
    })
  })

  test('may hold an address as an integer with or without a sign', () => {
    const address = (value: string) =>
      readAccountAttributes(entryOf({ a: value }), { ipv4: 'A' }).attributes.ipv4
    expect(address('-1062731519')).toBe('192.168.1.1')
    expect(address('3232235777')).toBe('192.168.1.1')
    expect(address('168296455')).toBe('10.8.0.7')
    expect(address('-2147483648')).toBe('128.0.0.0')
    expect(address('4294967296')).toBeUndefined()
    expect(address('-2147483649')).toBeUndefined()
  })

  test('that make no sense are left out and named', () => {
    const entry = entryOf({
      vpnaddress: '10.8.0',
      vpnroute: ['10.1.0.0/8', '10.0.0.0/8'],
      vpnaddress6: '10.0.0.1',
    })
    expect(readAccountAttributes(entry, names)).toEqual({
      attributes: { routes: ['10.0.0.0/8'] },
      faults: [
        { attribute: 'vpnAddress', value: '10.8.0' },
        { attribute: 'vpnAddress6', value: '10.0.0.1' },
        { attribute: 'vpnRoute', value: '10.1.0.0/8' },
      ],
    })
  })
})

describe('groups of the directory', () => {
  const staff = { dn: 'CN=Staff,OU=Groups,DC=x' }

  test('go by their own names where there is no map', () => {
    const map = new GroupMap({ map: {}, unmapped: 'cn' })
    expect(map.toBroker([staff, { dn: 'cn=a,dc=x', name: 'Admins' }])).toEqual(['Staff', 'Admins'])
  })

  test('are mapped by name or distinguished name, in whatever case and spelling', () => {
    const map = new GroupMap({
      map: { 'cn=staff, ou=groups,dc=X': ['employees', 'vpn'], ADMINS: ['admins'] },
      unmapped: 'drop',
    })
    expect(map.toBroker([staff, { dn: 'cn=admins,dc=x' }, { dn: 'cn=other,dc=x' }])).toEqual([
      'employees',
      'vpn',
      'admins',
    ])
  })

  test('of one name but another place are not mapped by a distinguished name', () => {
    const map = new GroupMap({ map: { 'cn=staff,ou=groups,dc=x': ['employees'] }, unmapped: 'drop' })
    expect(map.toBroker([{ dn: 'cn=staff,ou=guests,dc=x' }, { dn: 'cn=staff\\,ou=groups\\,dc=x' }])).toEqual(
      [],
    )
  })

  test('are each given once', () => {
    const map = new GroupMap({ map: { staff: 'a b'.split(' '), admins: ['b'] }, unmapped: 'drop' })
    expect(map.toBroker([staff, staff, { dn: 'cn=admins,dc=x' }])).toEqual(['a', 'b'])
  })
})

describe('an account of Active Directory', () => {
  test('has its counts and times read', () => {
    const entry = entryOf({
      badpwdcount: '3',
      badpasswordtime: filetime(NOW - 1000),
      lockouttime: filetime(NOW),
      pwdlastset: '133500000000000000',
      useraccountcontrol: '512',
      accountexpires: '9223372036854775807',
    })
    expect(adFacts(entry, NOW)).toEqual({
      wrongPasswords: 3,
      lastWrongAt: NOW - 1000,
      lockedAt: NOW,
      passwordStamp: '133500000000000000',
    })
    expect(adFacts(entryOf({ lockouttime: '0', badpasswordtime: '0', accountexpires: '0' }), NOW)).toEqual({})
  })

  test('is barred where it is disabled, expired or locked', () => {
    const state = (attributes: Record<string, string>) => adFacts(entryOf(attributes), NOW).barred?.detail
    expect(state({ useraccountcontrol: '514' })).toBe('the account is disabled')
    expect(state({ accountexpires: filetime(NOW) })).toBe('the account has expired')
    expect(state({ accountexpires: filetime(NOW + 60_000) })).toBeUndefined()
    expect(state({ 'msds-user-account-control-computed': '16' })).toBe(
      'the account is locked in the directory',
    )
    expect(state({ 'msds-user-account-control-computed': '8388608' })).toBe('the password has expired')
    expect(state({ useraccountcontrol: '66048' })).toBeUndefined()
  })

  test('says by a code in its words why a bind is refused', () => {
    const words = (data: string) =>
      adState(`80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data ${data}, v2580\0`)
    expect(words('525')).toMatchObject({ kind: 'unknown' })
    expect(words('52e')).toMatchObject({ kind: 'wrong', detail: 'wrong password (52e)' })
    for (const data of ['530', '531', '532', '533', '701', '773', '775'])
      expect(words(data), data).toMatchObject({
        kind: 'barred',
        detail: expect.stringContaining(`(${data})`),
      })
    // A locked account is told to anybody, whatever the password: the user must not read it.
    const states = ['530', '531', '532', '533', '701', '773', '775'].map((data) => words(data))
    expect(states.map((state) => state?.kind === 'barred' && state.tell)).toEqual([
      'outside_hours',
      'other_computer',
      'password_expired',
      'disabled',
      'expired',
      'password_to_change',
      undefined,
    ])
    expect(words('57')).toBeUndefined()
    expect(adState('')).toBeUndefined()
  })

  test('is found by its account name, by its principal name, and by that without its suffix', () => {
    expect(adUserFilter([])).toBe(
      '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={user})(userPrincipalName={user})))',
    )
    expect(adUserFilter(['corp.example'])).toBe(
      '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={user})(userPrincipalName={user}@corp.example)(userPrincipalName={user})))',
    )
  })
})

describe('the result of a bind', () => {
  test('tells of the user or of the server', () => {
    const kind = (code: number, diagnostic = '') =>
      bindVerdict({ code, diagnostic, controls: new Map() }).kind
    expect(kind(0)).toBe('right')
    expect(kind(49)).toBe('wrong')
    expect(kind(49, 'AcceptSecurityContext error, data 533, v1')).toBe('barred')
    expect(kind(49, 'AcceptSecurityContext error, data 525, v1')).toBe('unknown')
    expect(kind(48)).toBe('wrong')
    expect(kind(32)).toBe('unknown')
    expect(kind(53, 'Account inactivated')).toBe('barred')
    for (const code of [1, 8, 10, 13, 51, 52, 80, 255]) expect(kind(code), String(code)).toBe('unavailable')
  })

  test('is one line for the operator, without control characters', () => {
    expect(resultWords({ code: 49, diagnostic: '' })).toBe('49 invalid credentials')
    expect(resultWords({ code: 49, diagnostic: 'a\nb\0\u001b[31mc' })).toBe(
      '49 invalid credentials: a b [31mc',
    )
    expect(oneLine('x'.repeat(1000)).length).toBeLessThan(200)
  })
})
