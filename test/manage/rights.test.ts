import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Candidate, IdentityProvider, LookupAnswer } from '../../src/domain/identity-provider.ts'
import type { LoginName } from '../../src/domain/login-name.ts'
import { type Rights, type RoleGrants, rightsOf, rightsToAll, SCOPES } from '../../src/domain/scope.ts'
import type { LocalUser } from '../../src/domain/user.ts'
import { candidates as candidatesOf } from '../../src/identity/fan-out.ts'
import { mayActOn } from '../../src/manage/rights.ts'

const ROLES: RoleGrants = {
  admin: [{ groups: ['admins'] }],
  desk: [
    { groups: ['helpdesk'] },
    { groups: ['helpdesk-fra'], over: ['staff-fra'] },
    { groups: ['helpdesk-ber'], over: ['staff-ber', 'board-ber'] },
  ],
  auditor: [{ groups: ['auditors'] }],
}
const DESK = rightsOf(['helpdesk'], ROLES)
const ALL = rightsToAll(SCOPES)
const FRA = rightsOf(['helpdesk-fra'], ROLES)

function user(groups: readonly string[]): LocalUser {
  return { name: 'bob', enabled: true, groups, attributes: {}, createdAt: 0 }
}

const inGroups = (groups: readonly string[]): LookupAnswer => ({
  kind: 'right',
  account: { groups, attributes: {} },
})

interface Directory {
  readonly answer: () => Promise<LookupAnswer>
  readonly mayMissUsers?: true
}

/** A directory that answers for the realm corp.example, beside the local users. */
function asked(
  target: string,
  rights: Rights,
  { local, corp }: { local?: LocalUser; corp?: Directory },
  roles: RoleGrants = ROLES,
) {
  const unused = () => Promise.reject(new Error('not asked for'))
  const stores: IdentityProvider[] = [
    { name: 'local', isOwn: true, authenticate: unused, lookup: unused, checkReady: unused },
  ]
  if (corp !== undefined)
    stores.push({
      ...{ name: 'corp', authenticate: unused, checkReady: unused },
      ...{ lookup: corp.answer, mayMissUsers: corp.mayMissUsers },
    })
  const candidates = ({ username: name, realm }: LoginName): Candidate[] =>
    stores
      .filter(({ isOwn }) => realm === undefined || isOwn !== true)
      .map((store) => ({ store, name, subject: name, mayBeMissing: false }))
  const users = { find: async (name: string) => (name === 'bob' ? local : undefined) }
  const clock = { now: () => 0, monotonic: () => 0 }
  return mayActOn(target, rights, { candidates, users, roles, clock, patienceMs: 1000 })
}

describe('somebody may act on a person', () => {
  test.each<[string, readonly string[], boolean]>([
    ['no role', ['staff'], true],
    ['the same role', ['helpdesk'], true],
    ['a smaller role', ['auditors'], true],
    ['a greater role', ['admins'], false],
    ['two roles', ['helpdesk', 'admins'], false],
  ])('with %s: %s %s', async (_what, groups, expected) => {
    expect(await asked('bob', DESK, { local: user(groups) })).toBe(expected)
    expect(await asked('BOB', DESK, { local: user(groups) })).toBe(expected)
    expect(await asked('bob', DESK, { corp: { answer: async () => inGroups(groups) } })).toBe(expected)
    expect(
      await asked('bob', DESK, { local: user([]), corp: { answer: async () => inGroups(groups) } }),
    ).toBe(expected)
  })

  test('only if no right is missing', async () => {
    const all = { local: user(['admins']) }
    expect(await asked('bob', ALL, all)).toBe(true)
    expect(await asked('bob', rightsToAll(SCOPES.filter((scope) => scope !== 'metrics:read')), all)).toBe(
      false,
    )
  })

  test('also if the person’s subject is the mail address of somebody with fewer rights', async () => {
    const unused = () => Promise.reject(new Error('not asked for'))
    const store: IdentityProvider = {
      ...{ name: 'corp', authenticate: unused, checkReady: unused, tellsUnknown: true },
      lookup: async (name) => inGroups(name === 'bob@corp.example' ? ['staff'] : ['admins']),
    }
    const members = [{ store, realms: ['corp.example'], onUnavailable: 'stop' as const }]
    const may = (target: string) =>
      mayActOn(target, DESK, {
        candidates: (name) => candidatesOf(members, name),
        users: { find: async () => undefined },
        roles: ROLES,
        clock: { now: () => 0, monotonic: () => 0 },
        patienceMs: 1000,
      })
    expect(await may('bob@corp.example')).toBe(false)
    expect(await may('bob@corp.example@corp.example'), 'the subject of the other').toBe(false)
  })

  test('by the realm of that person', async () => {
    const answer = async () => inGroups([])
    expect(await asked('bob@corp.example', DESK, { local: user(['admins']), corp: { answer } })).toBe(true)
    expect(await asked('bob', DESK, { local: user(['admins']), corp: { answer } })).toBe(false)
  })

  test('whose groups cannot be told only with every right that a role gives', async () => {
    const barred: Directory = { answer: async () => ({ kind: 'barred', detail: 'disabled' }) }
    const radius: Directory = { answer: async () => ({ kind: 'unknown' }), mayMissUsers: true }
    for (const corp of [barred, radius]) {
      expect(await asked('bob', DESK, { corp })).toBe(false)
      expect(await asked('bob', ALL, { corp })).toBe(true)
      expect(
        await asked('bob', DESK, { corp }, { admin: [], desk: [{ groups: ['helpdesk'] }], auditor: [] }),
      ).toBe(true)
    }
  })

  test('not by an answer that did not come', async () => {
    const corp = { answer: () => Promise.reject(new Unavailable('corp', 'nobody listens')) }
    await expect(asked('bob', DESK, { corp })).rejects.toThrow(Unavailable)
    expect(await asked('bob', ALL, { corp })).toBe(true)
  })

  test('whom nobody knows', async () => {
    expect(await asked('bob', DESK, { corp: { answer: async () => ({ kind: 'unknown' }) } })).toBe(true)
  })
})

describe('somebody whose role is for a part of the users may act on a person', () => {
  test.each<[string, readonly string[], boolean]>([
    ['of that part', ['staff-fra'], true],
    ['of that part and another', ['staff-ber', 'staff-fra'], true],
    ['of another part', ['staff-ber'], false],
    ['of no group', [], false],
    ['of that part with the same role for it', ['staff-fra', 'helpdesk-fra'], true],
    ['of that part with the role for another', ['staff-fra', 'helpdesk-ber'], false],
    ['of that part with the role for everybody', ['staff-fra', 'helpdesk'], false],
    ['of that part with a greater role', ['staff-fra', 'admins'], false],
  ])('%s: %s %s', async (_what, groups, expected) => {
    expect(await asked('bob', FRA, { local: user(groups) })).toBe(expected)
    expect(await asked('bob', FRA, { corp: { answer: async () => inGroups(groups) } })).toBe(expected)
  })

  test('only if every store that has the name says so', async () => {
    const corp: Directory = { answer: async () => inGroups(['staff-ber']) }
    expect(await asked('bob', FRA, { local: user(['staff-fra']), corp })).toBe(false)
    const unknown: Directory = { answer: async () => ({ kind: 'unknown' }) }
    expect(await asked('bob', FRA, { local: user(['staff-fra']), corp: unknown })).toBe(true)
    const radius: Directory = { ...unknown, mayMissUsers: true }
    expect(await asked('bob', FRA, { local: user(['staff-fra']), corp: radius })).toBe(false)
    const barred: Directory = { answer: async () => ({ kind: 'barred', detail: 'disabled' }) }
    expect(await asked('bob', FRA, { corp: barred })).toBe(false)
  })

  test('never whom nobody knows, though nobody has a right', async () => {
    const nobody: Directory = { answer: async () => ({ kind: 'unknown' }) }
    expect(await asked('bob', FRA, { corp: nobody })).toBe(false)
    expect(await asked('@', FRA, {})).toBe(false)
  })

  test('of either part with both roles', async () => {
    const both = rightsOf(['helpdesk-fra', 'helpdesk-ber'], ROLES)
    expect(await asked('bob', both, { local: user(['board-ber']) })).toBe(true)
    expect(await asked('bob', both, { local: user(['staff-fra', 'helpdesk-ber']) })).toBe(true)
    expect(await asked('bob', both, { local: user(['other']) })).toBe(false)
    expect(await asked('bob', rightsOf(['helpdesk', 'helpdesk-fra'], ROLES), { local: user([]) })).toBe(true)
  })
})
