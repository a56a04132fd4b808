import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../../src/domain/random.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, enrolmentOf, eventOf, HOUR, NOON, unique, userNamed } from '../samples.ts'

/** Of whose groups the records know what, and what is found for somebody who may see a part of the users. */
export function accountGroupContract(records: () => Repositories): void {
  const note = (user: string, groups: readonly string[], more: { source?: string; subject?: string } = {}) =>
    records().accountGroups.note({ user, source: 'corp', subject: user, groups, seenAt: NOON, ...more })

  describe('a user is in a part of the users', () => {
    test('by the local record as it is now, or by what the identity store said last', async () => {
      const { accountGroups, users } = records()
      const [part, other] = [unique('part'), unique('other')]
      const [local, seen] = [unique('loc'), unique('seen')]
      await users.add(userNamed(local, { groups: [part] }))
      await note(seen, [part, 'more'])
      for (const user of [local, seen]) {
        expect(await accountGroups.areAllIn(user, [part])).toBe(true)
        expect(await accountGroups.areAllIn(user, [other, part])).toBe(true)
        expect(await accountGroups.areAllIn(user, [other])).toBe(false)
        expect(await accountGroups.areAllIn(user, [])).toBe(false)
      }
      await users.change(local, { groups: [other] })
      await note(seen, [other])
      for (const user of [local, seen]) {
        expect(await accountGroups.areAllIn(user, [part])).toBe(false)
        expect(await accountGroups.areAllIn(user, [other])).toBe(true)
      }
      await note(seen, [])
      expect(await accountGroups.areAllIn(seen, [other, ''])).toBe(false)
      expect(await accountGroups.areAllIn(unique('nobody'), [part, ''])).toBe(false)
    })

    test('only with every account of the name', async () => {
      const { accountGroups, users } = records()
      const part = unique('part')
      const [twice, both] = [unique('twice'), unique('both')]
      await note(twice, [part])
      await note(twice, ['else'], { source: 'other' })
      expect(await accountGroups.areAllIn(twice, [part])).toBe(false)
      await note(twice, [part], { source: 'other' })
      expect(await accountGroups.areAllIn(twice, [part])).toBe(true)
      await note(both, [part])
      await users.add(userNamed(`${both}@site`, { groups: ['else'] }))
      expect(await accountGroups.areAllIn(both, [part])).toBe(false)
    })

    test('and two answers of one moment are not mixed', async () => {
      const { accountGroups } = records()
      const [user, one, two] = [unique('user'), unique('one'), unique('two')]
      await Promise.all([note(user, [one]), note(user, [two]), note(user, [one]), note(user, [two])])
      const inEach = await Promise.all([one, two].map((group) => accountGroups.areAllIn(user, [group])))
      expect(inEach.toSorted()).toEqual([false, true])
    })
  })

  test('lists, counts and searches find those of a part alone', async () => {
    const {
      accountGroups: _,
      users,
      lockouts,
      audit,
      login,
      people,
      names,
      attempts,
      sessions,
      enrolments,
    } = records()
    const part = unique('part')
    const over = [part]
    const [ours, theirs, nobodys] = [`${part}-ours`, `${part}-theirs`, `${part}-nobodys`]
    await users.add(userNamed(ours, { groups: [part] }))
    await note(theirs, ['else'])
    await enrolments.replace({ enrolment: enrolmentOf(theirs), recoveryHashes: [] })
    const address = '192.0.2.199'
    for (const user of [ours, theirs, nobodys]) {
      await audit.append(eventOf(user, { kind: 'login.refused', address }))
      await login.admit(admission(user, { kind: 'none' }))
      await lockouts.lock({
        ...{ id: systemRandom.id(), scope: 'user', user, reason: 'by a test' },
        ...{ by: 'a test', since: NOON },
      })
    }
    await lockouts.lock({
      ...{ id: systemRandom.id(), scope: 'address', address, reason: 'by a test' },
      ...{ by: 'a test', since: NOON },
    })
    const limit = 1000
    const standing = { state: 'in_force', at: NOON + 1 } as const
    expect((await lockouts.list({ over, standing, limit })).map(({ user }) => user)).toEqual([ours])
    expect(await lockouts.list({ over, address, limit })).toEqual([])
    expect((await lockouts.countByHint({ over }, NOON + 1, limit)).by_hand).toBe(1)
    expect(await lockouts.countInForce(NOON + 1, limit, over)).toBe(1)
    expect(new Set((await audit.list({ over, limit })).map(({ user }) => user))).toEqual(new Set([ours]))
    expect((await sessions.list({ over, limit })).map(({ user }) => user)).toEqual([ours])
    const times = { since: NOON - HOUR, before: Date.now() + HOUR }
    const tallies = await attempts.tally({ over, by: 'user', ...times, limit })
    expect(tallies.map(({ key }) => key)).toEqual([ours])
    const search = {
      filter: 'all',
      part,
      takesPasskeys: false,
      now: NOON,
      expiresBefore: NOON,
      limit,
    } as const
    expect((await people.list({ ...search, over })).map(({ name }) => name)).toEqual([ours])
    const counted = { takesPasskeys: false, now: NOON, moments: [] }
    expect((await people.rollOut({ ...counted, over })).standings).toMatchObject({
      enrolled: 0,
      uninvited: 1,
    })
    expect((await people.rollOut({ ...counted, over, group: 'else' })).standings.uninvited).toBe(0)
    expect(await people.list(search)).toMatchObject([
      { name: nobodys, seen: undefined },
      { name: ours, seen: undefined },
      { name: theirs, seen: { sources: ['corp'], groups: ['else'] } },
    ])
    expect((await names.list({ limit: 100_000, over })).filter((name) => name.startsWith(part))).toEqual([
      ours,
    ])
    expect((await users.list({ over, limit })).map(({ name }) => name)).toEqual([ours])
  })
}
