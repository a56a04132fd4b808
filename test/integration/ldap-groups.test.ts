import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { corpForTest } from '../identity/corp.ts'
import { bindResult, entry, searchDone, startLdapDouble } from '../real/hostile-ldap.ts'
import { describeWith } from '../real/needs.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  GROUPS,
  group,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  type Slapd,
  startSlapd,
} from '../real/slapd.ts'

const POSIX = { objectClass: 'vpnUser' }

describeWith(SLAPD_NEEDS, 'groups and attributes of an OpenLDAP server', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd

  beforeAll(async () => {
    slapd = await startSlapd({
      entries: [
        person('bob', 'right', {
          ...POSIX,
          uidNumber: 1001,
          gidNumber: 500,
          vpnAddress: '10.8.0.7',
          vpnAddress6: '2001:db8::7',
          vpnRoute: ['10.0.0.0/8 192.0.2.1 1', '2001:db8::/32'],
          vpnDns: ['10.0.0.53'],
          vpnFilter: 'strict',
        }),
        person('ann', 'right', { ...POSIX, vpnAddress: 'none of your business', vpnFilter: 'x'.repeat(300) }),
        person('crowd', 'right'),
        group('Staff', [personDn('bob'), personDn('ann')]),
        group('Admins, all', [personDn('bob')]),
        group('others', [personDn('ann')]),
        {
          dn: `cn=unique,${GROUPS}`,
          objectClass: 'groupOfUniqueNames',
          cn: 'unique',
          uniqueMember: [personDn('bob')],
        },
        { dn: `cn=users,${GROUPS}`, objectClass: 'posixGroup', cn: 'users', gidNumber: 500 },
        {
          dn: `cn=wheel,${GROUPS}`,
          objectClass: 'posixGroup',
          cn: 'wheel',
          gidNumber: 10,
          memberUid: ['bob'],
        },
        {
          dn: `cn=games,${GROUPS}`,
          objectClass: 'posixGroup',
          cn: 'games',
          gidNumber: 20,
          memberUid: ['bobby'],
        },
        ...Array.from({ length: 30 }, (_, index) => group(`of the crowd ${index}`, [personDn('crowd')])),
      ],
    })
    resources.defer(slapd.stop)
  })

  afterAll(() => resources.disposeAsync())

  const open = (options: Partial<LdapOptions>) =>
    corpForTest({
      urls: [slapd.url],
      user_base: PEOPLE,
      bind_dn: ADMIN,
      bind_password: new Secret(ADMIN_PASSWORD),
      ...options,
    })
  async function groupsOf(user: string, groups: LdapOptions['groups'], options: Partial<LdapOptions> = {}) {
    const answer = await open({ ...options, groups }).login(user, 'right')
    return answer.kind === 'right' ? answer.account.groups.toSorted() : answer
  }

  test('come with the entry', async () => {
    const sources = [{ kind: 'memberOf' }] as const
    expect(await groupsOf('bob', { sources })).toEqual(['Admins, all', 'Staff'])
    expect(await groupsOf('ann', { sources })).toEqual(['Staff', 'others'])
  })

  test('are found by their members', async () => {
    const sources = [{ kind: 'members', base: GROUPS }] as const
    expect(await groupsOf('bob', { sources })).toEqual(['Admins, all', 'Staff', 'unique'])
    const filtered = [{ kind: 'members', base: GROUPS, filter: '(&(cn=staff)(member={dn}))' }] as const
    expect(await groupsOf('bob', { sources: filtered })).toEqual(['Staff'])
  })

  test('are found by user and group number', async () => {
    const sources = [{ kind: 'posix', base: GROUPS }] as const
    expect(await groupsOf('bob', { sources })).toEqual(['users', 'wheel'])
    expect(await groupsOf('ann', { sources })).toEqual([])
  })

  test('come from several places, each once', async () => {
    const sources = [
      { kind: 'memberOf' },
      { kind: 'members', base: GROUPS },
      { kind: 'posix', base: GROUPS },
    ] as const
    expect(await groupsOf('bob', { sources })).toEqual(['Admins, all', 'Staff', 'unique', 'users', 'wheel'])
    expect(await open({ groups: { sources } }).lookup('bob')).toMatchObject({
      account: { groups: expect.arrayContaining(['Staff', 'wheel', 'unique']) },
    })
  })

  test('become the broker’s groups by a map', async () => {
    const sources = [{ kind: 'memberOf' }, { kind: 'posix', base: GROUPS }] as const
    const map = {
      'CN=staff, OU=Groups,DC=example,dc=ORG': ['employees', 'vpn'],
      [`cn=admins\\2c all,${GROUPS}`]: 'admins',
      WHEEL: 'admins',
    }
    expect(await groupsOf('bob', { sources, map })).toEqual(['admins', 'employees', 'vpn'])
    expect(await groupsOf('ann', { sources, map, unmapped: 'cn' })).toEqual(['employees', 'others', 'vpn'])
  })

  test('are searched for by users themselves where the broker has no name', async () => {
    const sources = [{ kind: 'members', base: GROUPS }] as const
    const corp = corpForTest({
      urls: [slapd.url],
      bind_template: `uid={user},${PEOPLE}`,
      groups: { sources },
    })
    expect(await corp.login('bob', 'right')).toMatchObject({
      account: { groups: expect.arrayContaining(['Staff', 'unique']) },
    })
  })

  test('that are too many refuse the login, for another policy might apply with some of them', async () => {
    for (const sources of [[{ kind: 'members', base: GROUPS }], [{ kind: 'memberOf' }]] as const) {
      const limited = open({ groups: { sources }, limits: { groups: 20 } })
      const refused = { kind: 'barred', detail: 'the user has more than 20 groups' }
      expect(await limited.login('crowd', 'right')).toEqual(refused)
      expect(await limited.lookup('crowd')).toMatchObject(refused)
      expect(await limited.login('crowd', 'wrong')).toMatchObject({ kind: 'wrong' })
      expect(await groupsOf('crowd', { sources }, { limits: { groups: 30 } })).toHaveLength(30)
    }
  })

  test('give way to addresses, routes, DNS servers and reply attributes of the entry', async () => {
    const attributes = {
      ipv4: 'vpnAddress',
      ipv6: 'vpnAddress6',
      routes: 'vpnRoute',
      dns: 'vpnDns',
      reply: { 'Filter-Id': 'vpnFilter' },
    }
    const replyFault = (_: string, value: string | number) =>
      String(value).length > 253 ? 'too long' : undefined
    const corp = open({ attributes, replyFault })
    expect(await corp.login('bob', 'right')).toEqual({
      kind: 'right',
      account: {
        groups: [],
        attributes: {
          ipv4: '10.8.0.7',
          ipv6: '2001:db8::7',
          routes: ['10.0.0.0/8', '2001:db8::/32'],
          dns: ['10.0.0.53'],
          attributes: { 'Filter-Id': 'strict' },
        },
      },
    })
    expect(await corp.login('ann', 'right')).toEqual({
      kind: 'right',
      account: { groups: [], attributes: {} },
    })
    expect(corp.events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['ldap.value_unusable', 'ldap.reply_attribute_unusable']),
    )
  })
})

describe('groups of groups', () => {
  test('are found by the server itself, by the matching rule of Active Directory', async () => {
    const double = await startLdapDouble({
      answer({ kind, id, compares }, wire) {
        if (kind === 'bind') wire.send(bindResult(id))
        if (kind !== 'search') return
        if (compares.includes('sAMAccountName=bob'))
          wire.send(entry(id, 'CN=Bob (x),DC=corp', { sAMAccountName: ['Bob'] }))
        if (compares.includes('member:1.2.840.113556.1.4.1941:=CN=Bob (x),DC=corp'))
          wire.send(
            entry(id, 'CN=Team,DC=corp', { cn: ['Team'] }),
            entry(id, 'CN=Everybody above,DC=corp', { cn: ['Everybody above'] }),
          )
        wire.send(searchDone(id))
      },
    })
    onTestFinished(double.stop)
    const corp = corpForTest({
      urls: [double.url],
      user_base: 'dc=corp',
      active_directory: {},
      groups: { sources: [{ kind: 'nested', base: 'dc=corp' }], map: { 'everybody above': 'vpn' } },
    })
    expect(await corp.login('bob', 'x')).toMatchObject({ kind: 'right', account: { groups: ['vpn'] } })
  })
})
