import { describe, expect, test } from 'vitest'
import { kindMisfit, kindShown, withKind } from '../../src/identity/ldap/kinds.ts'
import type { LdapSettings } from '../../src/identity/ldap/provider-type.ts'
import { directorySettings } from '../../src/identity/ldap/settings.ts'

const BASE: LdapSettings = { urls: ['ldaps://dc1.corp.example'], user_base: 'OU=People,DC=corp,DC=example' }

describe('the kind of a directory', () => {
  test.each([
    ['active_directory', [{ kind: 'nested', base: 'dc=corp,dc=example' }], true],
    ['samba', [{ kind: 'nested', base: 'dc=corp,dc=example' }], true],
    ['freeipa', [{ kind: 'memberOf' }], false],
    ['lldap', [{ kind: 'memberOf' }], false],
    ['389ds', [{ kind: 'members', base: 'dc=corp,dc=example' }], false],
    ['openldap', [{ kind: 'members', base: 'dc=corp,dc=example' }], false],
    ['generic', [], false],
  ] as const)('%s sets groups and names', (kind, sources, isActiveDirectory) => {
    const settings = directorySettings({ name: 'corp', ...BASE, kind })
    expect(settings.groups.sources).toEqual(sources)
    expect(settings.isActiveDirectory).toBe(isActiveDirectory)
    expect(settings.users.filter).toContain('{user}')
  })

  test('leaves every key to the configuration', () => {
    const own = {
      user_filter: '(cn={user})',
      attributes: { ipv4: 'ip' },
      groups: { sources: [{ kind: 'memberOf' as const }], map: { a: 'b' } },
    }
    expect(withKind({ ...BASE, kind: 'samba', ...own })).toMatchObject(own)
    expect(withKind({ ...BASE, kind: 'lldap', user_attributes: ['mail'] }).user_filter).toBeUndefined()
    expect(withKind({ ...BASE, kind: 'lldap', groups: { map: { a: 'b' } } }).groups).toEqual({
      sources: [{ kind: 'memberOf' }],
      map: { a: 'b' },
    })
  })

  test.each([
    ['samba', { vendorname: ['Samba Team'], supportedcapabilities: ['1.2.840.113556.1.4.800'] }],
    ['active_directory', { supportedcapabilities: ['1.2.840.113556.1.4.800'] }],
    ['389ds', { vendorname: ['389 Project'] }],
    ['freeipa', { vendorname: ['389 Project'], ipatopologypluginversion: ['1.0'] }],
    ['openldap', { objectclass: ['top', 'OpenLDAProotDSE'] }],
    ['lldap', { vendorname: ['LLDAP'] }],
    [undefined, { vendorname: ['Another'] }],
  ])('is shown by the root of a directory: %s', (kind, attributes) => {
    expect(kindShown({ attributes: new Map(Object.entries(attributes)) })).toBe(kind)
  })

  test('is remarked upon where it does not fit', () => {
    expect(kindMisfit({ ...BASE, kind: 'openldap' }, '389ds')).toMatchObject({ remedy: 'write kind: 389ds' })
    expect(kindMisfit({ ...BASE, kind: 'openldap' }, 'openldap')).toBeUndefined()
    expect(kindMisfit({ ...BASE, kind: 'openldap' }, undefined)).toBeUndefined()
    expect(kindMisfit(BASE, 'samba')).toMatchObject({ remedy: 'write kind: samba' })
    expect(kindMisfit({ ...BASE, active_directory: {} }, 'samba')).toBeUndefined()
    expect(kindMisfit(BASE, '389ds')).toBeUndefined()
  })
})
