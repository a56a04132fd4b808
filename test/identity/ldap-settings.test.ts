import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { directorySettings, type LdapSettingsOptions, ldapFaults } from '../../src/identity/ldap/settings.ts'

const PLAIN: LdapSettingsOptions = {
  name: 'corp',
  urls: ['ldap://ldap.example'],
  user_base: 'ou=people,dc=x',
}

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
    expect(target('ldap://ldap.example:1389', { start_tls: true })).toMatchObject({
      port: 1389,
      tls: 'on_request',
    })
    expect(target('ldaps://[2001:db8::1]:1636/')).toMatchObject({ host: '2001:db8::1', port: 1636 })
    expect(target('ldaps://192.0.2.1', { server_name: 'dc1.corp' })).toMatchObject({ serverName: 'dc1.corp' })
  })

  test('find users of Active Directory by its own names', () => {
    const { users } = directorySettings({ ...PLAIN, active_directory: { upn_suffixes: ['corp.example'] } })
    expect(users.filter).toContain('(userPrincipalName={user}@corp.example)')
    expect(directorySettings({ ...PLAIN, user_attributes: ['uid', 'mail'] }).users.filter).toBe(
      '(|(uid={user})(mail={user}))',
    )
  })

  test('need no base where a template names the entry', () => {
    const byTemplate = { name: 'corp', urls: PLAIN.urls, bind_template: 'uid={user},ou=people,dc=x' }
    expect(ldapFaults(byTemplate)).toEqual([])
    expect(directorySettings(byTemplate).users.filter).toBeUndefined()
    expect(ldapFaults({ ...byTemplate, bind_template: '{user}@corp.example' })).toEqual([
      { path: 'user_base', problem: expect.stringContaining('missing') },
    ])
  })

  test('are told every fault at once, each with its place', () => {
    const faults = ldapFaults({
      urls: ['http://x', 'ldap://', 'ldap://u@x', 'ldap://x/dc=x'],
      bind_dn: 'admin',
      user_base: 'people',
      user_filter: '(uid={name})',
      groups: {
        sources: [
          { kind: 'members', base: 'cn="a"b', filter: '(member={dn}' },
          { kind: 'members', base: 'dc=x', filter: '(objectClass=groupOfNames)' },
        ],
      },
      tls: { cert_file: '/cert' },
    })
    expect(faults.map(({ path }) => path)).toEqual([
      'bind_dn',
      'tls',
      'urls.0',
      'urls.1',
      'urls.2',
      'urls.3',
      'bind_dn',
      'user_base',
      'user_filter',
      'groups.sources.0.base',
      'groups.sources.0.filter',
      'groups.sources.1.filter',
    ])
    expect(faults.at(-1)?.problem).toContain('match everybody')
  })

  test.each([
    '(uid={user}*)',
    '(!(uid={user}))',
    '(uid~={user})',
    '(uid:caseIgnoreMatch:={user})',
    '(uid>={user})',
  ])('refuse a filter that finds one entry under many names: %s', (filter) => {
    expect(ldapFaults({ ...PLAIN, user_filter: filter })).toEqual([
      { path: 'user_filter', problem: expect.stringContaining('by "="') },
    ])
    const withClaim = `(&${filter}(|(mail={user}@corp.example)(cn=*)))`
    expect(ldapFaults({ ...PLAIN, user_filter: withClaim })).toEqual([])
  })

  test.each([
    ['cannot leave out where users are', { user_base: undefined }, ''],
    ['have no account without its password', { bind_dn: 'cn=a' }, 'bind_dn'],
    ['have no password without its account', { bind_password: new Secret('x') }, ''],
    [
      'say once how users are found',
      { user_filter: '(uid={user})', user_attributes: ['uid'] },
      'user_filter',
    ],
    ['have no key without its certificate', { tls: { key_file: '/key' } }, 'tls'],
  ])('%s', (_, options, path) => {
    expect(ldapFaults({ ...PLAIN, ...options })).toEqual([{ path, problem: expect.any(String) }])
  })

  test('refuse an empty password of the broker’s own, which would bind as nobody', () => {
    const faults = ldapFaults({ ...PLAIN, bind_dn: 'cn=a', bind_password: new Secret('') })
    expect(faults).toEqual([{ path: 'bind_password', problem: expect.stringContaining('empty') }])
  })
})
