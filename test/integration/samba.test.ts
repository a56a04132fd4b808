import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { corpForTest } from '../identity/corp.ts'
import { describeWith } from '../real/needs.ts'
import {
  account,
  DOMAIN,
  DOMAIN_ADMIN,
  domainGroup,
  SAMBA_NEEDS,
  type Samba,
  startSamba,
} from '../real/samba.ts'

/** Milliseconds, on a busy machine. */
const START = 240_000
const GROUPS = 12

describeWith(SAMBA_NEEDS, "Samba's domain controller", () => {
  const resources = new AsyncDisposableStack()
  let samba: Samba

  beforeAll(async () => {
    const names = Array.from({ length: GROUPS }, (_, index) => `group ${index}`)
    samba = await startSamba([
      account('asmith', 'of a', { userPrincipalName: 'first.last@a.example' }),
      account('bsmith', 'of b', { userPrincipalName: 'First.Last@b.example' }),
      account('carl', 'right'),
      account('crowd', 'right'),
      domainGroup('above', ['Domain Users']),
      ...names.map((name) => domainGroup(name, ['crowd'])),
    ])
    resources.defer(samba.stop)
  }, START)

  afterAll(() => resources.disposeAsync())

  const open = (options: Partial<LdapOptions> = {}) =>
    corpForTest({
      urls: [samba.url],
      user_base: DOMAIN,
      bind_dn: DOMAIN_ADMIN.dn,
      bind_password: new Secret(DOMAIN_ADMIN.password),
      active_directory: {},
      ...options,
    })

  test('knows one of two users of one name by the suffix that was typed', async () => {
    for (const upn_suffixes of [[], ['a.example', 'b.example']]) {
      const corp = open({ active_directory: { upn_suffixes } })
      expect(await corp.login('first.last@a.example', 'of a')).toMatchObject({ account: { name: 'asmith' } })
      expect(await corp.login('First.Last@B.example', 'of b')).toMatchObject({ account: { name: 'bsmith' } })
      expect(await corp.login('first.last@a.example', 'of b')).toMatchObject({ kind: 'wrong' })
    }
    const both = open({ active_directory: { upn_suffixes: ['a.example', 'b.example'] } })
    const ambiguous = { kind: 'wrong', detail: 'more than one entry matches' }
    expect(await both.login('first.last', 'of a'), 'without a suffix').toEqual(ambiguous)
  })

  test.each(['administrator@corp.example', 'CORP\\Administrator'])(
    'takes %s as the account of the broker',
    async (bind_dn) => {
      const corp = open({ bind_dn })
      await corp.checkReady()
      expect(await corp.login('carl', 'right')).toMatchObject({ kind: 'right' })
    },
  )

  test('is known by its kind, which sets names and groups', async () => {
    const samba4 = open({ kind: 'samba', active_directory: undefined })
    expect(await samba4.login('first.last@a.example', 'of a')).toMatchObject({
      account: { name: 'asmith', groups: expect.arrayContaining(['Domain Users', 'above']) },
    })
    const remarks = (options: Partial<LdapOptions>) => open(options).store.remarks?.(Number.POSITIVE_INFINITY)
    expect(await remarks({ kind: 'samba' })).toEqual([])
    expect(await remarks({ kind: 'active_directory' })).toEqual([
      expect.objectContaining({ remedy: 'write kind: samba' }),
    ])
    expect(await remarks({ active_directory: undefined, user_attributes: ['cn'] })).toEqual([
      expect.objectContaining({ remedy: 'write kind: samba' }),
    ])
  })

  test('tells the primary group, and with groups of groups those that it is in', async () => {
    const groupsFrom = async (sources: NonNullable<LdapOptions['groups']>['sources']) => {
      const answer = await open({ groups: { sources } }).login('carl', 'right')
      return answer.kind === 'right' ? answer.account.groups : answer
    }
    expect(await groupsFrom([{ kind: 'memberOf' }])).toEqual(['Domain Users'])
    expect(await groupsFrom([{ kind: 'nested', base: DOMAIN }])).toEqual(
      expect.arrayContaining(['Domain Users', 'above']),
    )
  })

  test('lists its users by page, and the members of a group with those of the groups in it', async () => {
    const { store } = open({ groups: { sources: [{ kind: 'nested', base: DOMAIN }] } })
    const listed = async (group?: string) =>
      (await Array.fromAsync(store.users?.({ group }) ?? [])).flat().map(({ name }) => name)
    const own = ['asmith', 'bsmith', 'carl', 'crowd']
    expect(await listed()).toEqual(expect.arrayContaining([...own, 'administrator']))
    expect(await listed('above')).toEqual(expect.arrayContaining(own))
    expect(await listed('group 3')).toEqual(['crowd'])
  })

  test('is asked for a list of groups to its end where it sends the first of them', async () => {
    const groups = { sources: [{ kind: 'memberOf', attribute: 'memberOf;range=0-4' }] } as const
    const answer = await open({ groups }).login('crowd', 'right')
    expect(answer.kind === 'right' ? answer.account.groups : answer).toHaveLength(GROUPS + 1)
    expect(await open({ groups, limits: { groups: GROUPS } }).login('crowd', 'right')).toEqual({
      kind: 'barred',
      detail: `the user has more than ${GROUPS} groups`,
    })
  })
})
