import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import {
  directorySettings,
  type LdapSettingsOptions,
  ldapFaults,
} from '../../src/identity/ldap/directory-settings.ts'

const PLAIN: LdapSettingsOptions = { name: 'corp', urls: ['ldap://ldap.example'], userBase: 'ou=people,dc=x' }

describe('the options of a directory', () => {
  test('need no more than a server and where users are', () => {
    expect(ldapFaults(PLAIN)).toEqual([])
    const { servers, users, service } = directorySettings(PLAIN)
    expect(servers[0]?.target).toEqual({
      host: 'ldap.example',
      port: 389,
      tls: 'none',
      serverName: 'ldap.example',
    })
    expect([users.filter, service]).toEqual(['(uid={user})', undefined])
  })

  test('name servers by addresses of every form', () => {
    const target = (url: string, tls: LdapSettingsOptions['tls'] = {}) =>
      directorySettings({ ...PLAIN, urls: [url], tls }).servers[0]?.target
    expect(target('ldaps://ldap.example')).toMatchObject({ port: 636, tls: 'from_start' })
    expect(target('ldap://ldap.example:1389', { startTls: true })).toMatchObject({
      port: 1389,
      tls: 'on_request',
    })
    expect(target('ldaps://[2001:db8::1]:1636/')).toMatchObject({ host: '2001:db8::1', port: 1636 })
    expect(target('ldaps://192.0.2.1', { serverName: 'dc1.corp' })).toMatchObject({ serverName: 'dc1.corp' })
  })

  test('find users of Active Directory by its own names', () => {
    const { users } = directorySettings({ ...PLAIN, ad: { upnSuffixes: ['corp.example'] } })
    expect(users.filter).toContain('(userPrincipalName={user}@corp.example)')
    expect(directorySettings({ ...PLAIN, userAttributes: ['uid', 'mail'] }).users.filter).toBe(
      '(|(uid={user})(mail={user}))',
    )
  })

  test('need no base where a template names the entry', () => {
    const byTemplate = { name: 'corp', urls: PLAIN.urls, bindTemplate: 'uid={user},ou=people,dc=x' }
    expect(ldapFaults(byTemplate)).toEqual([])
    expect(directorySettings(byTemplate).users.filter).toBeUndefined()
    expect(ldapFaults({ ...byTemplate, bindTemplate: '{user}@corp.example' })).toEqual([
      { path: 'userBase', problem: expect.stringContaining('missing') },
    ])
  })

  test('are told every fault at once, each with its place', () => {
    const faults = ldapFaults({
      name: 'corp',
      urls: ['http://x', 'ldap://', 'ldap://u@x', 'ldap://x/dc=x'],
      bindDn: 'admin',
      userBase: 'people',
      userFilter: '(uid={name})',
      groups: {
        sources: [
          { kind: 'members', base: 'cn="a"b', filter: '(member={dn}' },
          { kind: 'members', base: 'dc=x', filter: '(objectClass=groupOfNames)' },
        ],
      },
      tls: { certFile: '/cert' },
    })
    expect(faults.map(({ path }) => path)).toEqual([
      ...['urls.0', 'urls.1', 'urls.2', 'urls.3', 'bindDn', 'bindPassword', 'userBase', 'userFilter'],
      ...['groups.sources.0.base', 'groups.sources.0.filter', 'groups.sources.1.filter', 'tls.keyFile'],
    ])
    expect(faults.at(-2)?.problem).toContain('match everybody')
  })

  test.each([
    '(uid={user}*)',
    '(!(uid={user}))',
    '(uid~={user})',
    '(uid:caseIgnoreMatch:={user})',
    '(uid>={user})',
  ])('refuse a filter that finds one entry under many names: %s', (userFilter) => {
    expect(ldapFaults({ ...PLAIN, userFilter })).toEqual([
      { path: 'userFilter', problem: expect.stringContaining('by "="') },
    ])
    const withClaim = `(&${userFilter}(|(mail={user}@corp.example)(cn=*)))`
    expect(ldapFaults({ ...PLAIN, userFilter: withClaim })).toEqual([])
  })

  test('refuse an empty password of the broker’s own, which would bind as nobody', () => {
    const faults = ldapFaults({ ...PLAIN, bindDn: 'cn=a', bindPassword: new Secret('') })
    expect(faults).toEqual([{ path: 'bindPassword', problem: expect.stringContaining('empty') }])
  })
})
