import { describe, expect, test } from 'vitest'
import type { PeopleFilter, PeopleSearch } from '../../../src/domain/people.ts'
import { systemRandom } from '../../../src/domain/random.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, enrolmentOf, HOUR, NOON, unique, userNamed } from '../samples.ts'

/** The list of everybody, as the desk shows it. */
export function peopleContract(records: () => Repositories): void {
  const find = async (part: string, more: Partial<PeopleSearch> = {}) =>
    records().people.list({ filter: 'all', part, now: NOON, expiresBefore: NOON + HOUR, limit: 100, ...more })

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
        all: ['a', 'b', 'c', 'd', 'e'],
        not_enrolled: ['a', 'b', 'e'],
        invited: ['b', 'f'],
        never_used: ['a', 'c'],
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
  })
}
