import { describe, expect, test } from 'vitest'
import { type PeopleFilter, type PeopleSearch, STANDINGS } from '../../../src/domain/people.ts'
import { systemRandom } from '../../../src/domain/random.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, enrolmentOf, HOUR, NOON, passkeyOf, unique, userNamed } from '../samples.ts'

/** The list of everybody, as the desk shows it. */
export function peopleContract(records: () => Repositories): void {
  const find = async (part: string, more: Partial<PeopleSearch> = {}) =>
    records().people.list({
      ...{ filter: 'all', part, takesPasskeys: false, now: NOON, expiresBefore: NOON + HOUR, limit: 100 },
      ...more,
    })

  describe('the list of people', () => {
    test('tells of each what the records know, and finds part of a name', async () => {
      const { users, enrolments, invitations, lockouts, login } = records()
      const part = unique('crew')
      const [ada, bob, cas] = [`ada.${part}`, `bob_${part}`, `x-cas-${part}`]
      await users.add(userNamed(ada, { groups: ['staff', 'night'], expiresAt: NOON + 9 }))
      await enrolments.replace({
        enrolment: enrolmentOf(`${bob}@corp`, { createdAt: NOON }),
        recoveryHashes: [],
      })
      await login.admit(admission(cas, { kind: 'none' }))
      const invitation = {
        ...{ id: systemRandom.id(), subject: ada, hash: unique('hash'), createdAt: NOON },
        ...{ createdBy: 'tests', expiresAt: NOON + HOUR },
      }
      await invitations.put(invitation)
      await lockouts.lock({
        ...{ id: systemRandom.id(), scope: 'user', user: bob, reason: 'by a test' },
        ...{ by: 'a test', since: NOON - 1 },
      })
      const listed = await find(part)
      expect(listed.map(({ name }) => name)).toEqual([ada, bob, cas])
      expect(listed).toMatchObject([
        {
          local: { groups: ['staff', 'night'], enabled: true, expiresAt: NOON + 9 },
          isLocked: false,
          invitation: { expiresAt: NOON + HOUR, usedAt: undefined },
        },
        { local: undefined, enrolledAt: NOON, isLocked: true },
        { local: undefined, enrolledAt: undefined, isLocked: false },
      ])
      expect(listed[0]?.lastLoginAt).toBeUndefined()
      expect(listed[2]?.lastLoginAt).toBeGreaterThan(0)
      await invitations.redeem(invitation.hash, [ada], NOON + 5)
      expect((await find(part))[0]?.invitation).toEqual({ expiresAt: NOON + 5, usedAt: NOON + 5 })
      expect(await find('%')).toEqual([])
      const [first] = await find(part, { limit: 1 })
      expect((await find(part, { after: first?.name })).map(({ name }) => name)).toEqual([bob, cas])
    })

    test('is narrowed to those to whom something is to be done', async () => {
      const { users, enrolments, lockouts, login, invitations } = records()
      const part = unique('team')
      const named = (name: string) => `${name}-${part}`
      await users.add(userNamed(named('a'), { enabled: false }))
      await users.add(userNamed(named('b'), { expiresAt: NOON }))
      await users.add(userNamed(named('c'), { expiresAt: NOON + 2 * HOUR }))
      await users.add(userNamed(`mail-${part}@site`))
      for (const subject of [named('c'), `mail-${part}@site`, `${named('d')}@corp`])
        await enrolments.replace({ enrolment: enrolmentOf(subject), recoveryHashes: [] })
      for (const user of ['b', 'd', 'e']) await login.admit(admission(named(user), { kind: 'none' }))
      await login.admit(admission(`mail-${part}`, { kind: 'none' }))
      // Of one whom nothing else is known of, too.
      for (const subject of [named('b'), `${named('f')}@corp`])
        await invitations.put({
          ...{ id: systemRandom.id(), subject, hash: unique('hash'), createdAt: NOON },
          ...{ createdBy: 'a test', expiresAt: NOON + HOUR },
        })
      // One of them is a name that nobody has.
      for (const user of [named('a'), named('d'), named('e'), named('guessed'), `mail-${part}`])
        await lockouts.lock({
          ...{ id: systemRandom.id(), scope: 'user', user, reason: 'by a test' },
          ...{ by: 'a test', since: NOON - 1 },
        })
      const expected: Readonly<Record<PeopleFilter, readonly string[]>> = {
        all: ['a', 'b', 'c', 'd', 'e', 'f'],
        not_enrolled: ['a', 'b', 'e', 'f'],
        invited: ['b', 'f'],
        enrolled: ['c', 'd'],
        waiting: ['b', 'f'],
        used: [],
        expired: [],
        uninvited: ['a', 'e'],
        never_used: ['a', 'c', 'f'],
        locked: ['a', 'd', 'e'],
        disabled: ['a'],
        expiring: ['b'],
      }
      for (const [filter, names] of Object.entries(expected) as [PeopleFilter, string[]][]) {
        const listed = (await find(part, { filter })).map(({ name }) => name)
        expect([filter, listed.filter((name) => !name.startsWith('mail'))]).toEqual([
          filter,
          names.map(named),
        ])
      }
      // The sessions of a user who is called by a mail address are kept by what stands before the mark.
      const unused = await find(`mail-${part}@site`, { filter: 'never_used' })
      expect(unused).toEqual([])
      const locked = await find(`mail-${part}`, { filter: 'locked' })
      expect(locked).toMatchObject([{ name: `mail-${part}`, isLocked: true }, { name: `mail-${part}@site` }])
    })

    test('counts in the roll-out whom the filters find, with passkeys or without', async () => {
      const { users, enrolments, passkeys, invitations, accountGroups, login, people } = records()
      const group = unique('crew')
      const named = (name: string) => `${group}-${name}`
      const inDirectory = async (name: string) => {
        const account = { user: named(name), source: 'corp', subject: `${named(name)}@corp` }
        await accountGroups.note({ ...account, groups: [group], seenAt: NOON })
      }
      const invite = async (subject: string, expiresAt: number) => {
        const hash = unique('hash')
        await invitations.put({
          ...{ id: systemRandom.id(), subject, hash, createdAt: NOON - HOUR, createdBy: 'a test', expiresAt },
        })
        return hash
      }
      for (const name of ['app', 'both', 'key', 'late', 'none'])
        await users.add(userNamed(named(name), { groups: [group] }))
      for (const name of ['corp-app', 'corp-key', 'corp-used', 'corp-waits', 'corp-seen'])
        await inDirectory(name)
      for (const subject of [named('app'), named('both'), `${named('corp-app')}@corp`])
        await enrolments.replace({
          enrolment: enrolmentOf(subject, { createdAt: NOON }),
          recoveryHashes: [],
        })
      for (const subject of [named('both'), named('key'), `${named('corp-key')}@corp`])
        await passkeys.add(passkeyOf(subject, { createdAt: NOON - HOUR }))
      await invite(named('both'), NOON + HOUR)
      await invite(named('late'), NOON)
      await invite(`${named('corp-waits')}@corp`, NOON + HOUR)
      const used = await invite(`${named('corp-used')}@corp`, NOON + HOUR)
      await invitations.redeem(used, [`${named('corp-used')}@corp`], NOON)
      for (const name of ['app', 'corp-seen']) await login.admit(admission(named(name), { kind: 'none' }))

      const expected = {
        enrolled: ['app', 'both', 'corp-app'],
        waiting: ['corp-waits'],
        used: ['corp-used'],
        expired: ['late'],
        uninvited: ['corp-key', 'corp-seen', 'key', 'none'],
      }
      const withPasskeys = {
        ...{ enrolled: ['app', 'both', 'corp-app', 'corp-key', 'key'], waiting: ['corp-waits'] },
        ...{ used: ['corp-used'], expired: ['late'], uninvited: ['corp-seen', 'none'] },
      }
      for (const [takesPasskeys, names, before] of [
        [false, expected, [0, 3]],
        [true, withPasskeys, [3, 5]],
      ] as const) {
        const moments = [NOON, NOON + 1]
        const { standings, enrolledBefore } = await people.rollOut({
          group,
          takesPasskeys,
          now: NOON,
          moments,
        })
        expect(enrolledBefore).toEqual(before)
        for (const standing of STANDINGS) {
          const found = await find(group, { filter: standing, group, takesPasskeys })
          expect([standing, found.map(({ name }) => name)]).toEqual([standing, names[standing].map(named)])
          expect([standing, standings[standing]]).toEqual([standing, found.length])
        }
        const early = await find(group, { filter: 'enrolled', takesPasskeys, enrolledBefore: NOON })
        expect(early).toHaveLength(before[0])
        const missing = await find(group, { filter: 'not_enrolled', takesPasskeys })
        expect(missing).toHaveLength(10 - standings.enrolled)
      }
      expect(await find(named('both'))).toMatchObject([{ enrolledAt: NOON, passkeyAt: NOON - HOUR }])
    })
  })
}
