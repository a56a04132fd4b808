import { describe, expect, test } from 'vitest'
import type { Lockout } from '../../../src/domain/lockout.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, type Failure, failureOf, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

const THREE = { hardAfter: 3 }

export function failureContract(records: () => Repositories): void {
  const fail = (user: string, more: Failure) =>
    records().login.recordFailure(failureOf(user, { rules: THREE, ...more }))
  const enter = async (user: string, address: string) =>
    (await records().login.admit(admission(user, { kind: 'none' }, { address, now: NOON + MINUTE }))).kind
  /** @returns what the last of so many failures has locked. */
  const failTimes = async (times: number, user: string, more: Failure): Promise<readonly Lockout[]> => {
    for (let i = 1; i < times; i++) expect(await fail(user, more)).toEqual([])
    return fail(user, more)
  }
  /** A user who was let in from two addresses. */
  const userAtHomeAndWork = async () => {
    const [user, home, work] = [unique('user'), uniqueAddress(), uniqueAddress()]
    for (const address of [home, work])
      await records().login.admit(admission(user, { kind: 'none' }, { address }))
    return { user, home, work }
  }

  describe('failures in a row', () => {
    test('count together from addresses that are not known, and apart from each that is', async () => {
      const { user, home, work } = await userAtHomeAndWork()
      for (const address of [home, work]) expect(await failTimes(2, user, { address })).toEqual([])
      expect(await failTimes(2, user, { address: uniqueAddress() })).toEqual([])
      const [anywhere] = await fail(user, {})
      expect(anywhere).toMatchObject({
        scope: 'user',
        cause: 'hard_limit',
        reason: '3 failed logins in a row; it ends only when somebody releases it',
      })
      expect(await enter(user, uniqueAddress())).toBe('locked')
      expect(await enter(user, work)).toBe('admitted')
      const [atHome, ...more] = await fail(user, { address: home })
      expect(more).toEqual([])
      expect(atHome).toMatchObject({
        scope: 'user_address',
        cause: 'hard_limit',
        address: home,
        reason: '3 failed logins in a row from this address; it ends only when somebody releases it',
      })
      expect(atHome).not.toHaveProperty('until')
      expect(await enter(user, home)).toBe('locked')
      expect(await enter(user, work)).toBe('admitted')
    })

    test('end with a login, at other known addresses only with one from there', async () => {
      const { user, home, work } = await userAtHomeAndWork()
      for (const address of [home, work, uniqueAddress()]) await failTimes(2, user, { address })
      expect(await enter(user, home)).toBe('admitted')
      expect(await failTimes(2, user, { address: home })).toEqual([])
      expect(await failTimes(2, user, { address: uniqueAddress() })).toEqual([])
      expect(await fail(user, { address: work })).toMatchObject([{ scope: 'user_address', address: work }])
    })

    test('of namesakes in two stores, and of a name that nobody knew, count apart', async () => {
      const { login } = records()
      const user = unique('user')
      const namesake = { source: 'partner', subject: `${user}@partner` }
      for (const account of [namesake, undefined]) await failTimes(2, user, { account })
      expect(await failTimes(2, user, {})).toEqual([])
      await login.admit(admission(user, { kind: 'none' }))
      expect(await failTimes(2, user, {})).toEqual([])
      for (const account of [namesake, undefined]) {
        await records().lockouts.release((await fail(user, { account }))[0]?.id ?? '', 'alice', 'x', NOON)
        await failTimes(2, user, { account })
      }
    })

    test('at one moment lock once', async () => {
      const { user, home, work } = await userAtHomeAndWork()
      const places = [undefined, home, work, uniqueAddress(), uniqueAddress()]
      const failures = Array.from({ length: 50 }, (_, i) =>
        fail(user, { address: places[i % places.length] }),
      )
      const made = (await Promise.all(failures)).flat()
      expect(made.map(({ scope, address }) => `${scope} ${address}`).sort()).toEqual(
        [`user undefined`, `user_address ${home}`, `user_address ${work}`].sort(),
      )
    })

    test('from known and other addresses that spend one budget at one moment lock once', async () => {
      for (let round = 0; round < 10; round++) {
        const { user, home, work } = await userAtHomeAndWork()
        const places = [home, work, uniqueAddress()]
        const failures = places.map((address) => fail(user, { address, lock: ['user'] }))
        expect((await Promise.all(failures)).flat()).toHaveLength(1)
      }
    })

    test('are forgotten when a hard limit is released, though another goes on', async () => {
      const { lockouts } = records()
      const { user, home, work } = await userAtHomeAndWork()
      const [atHome] = await failTimes(3, user, { address: home })
      const [atWork] = await failTimes(3, user, { address: work })
      await lockouts.release(atHome?.id ?? '', 'alice', 'their own typing', NOON)
      expect(await failTimes(2, user, { address: home })).toEqual([])
      expect(await enter(user, home)).toBe('admitted')
      expect(await enter(user, work)).toBe('locked')
      await lockouts.release(atWork?.id ?? '', 'alice', 'the same', NOON)
      expect(await failTimes(2, user, { address: work })).toEqual([])
    })
  })

  describe('wrong codes after the right password', () => {
    const code = (user: string, address: string, more: Failure = {}) =>
      fail(user, { address, factor: 'code', ...more })

    test('count from everywhere together, and only a login from there takes some back', async () => {
      const { user, home, work } = await userAtHomeAndWork()
      const [there, elsewhere] = [uniqueAddress(), uniqueAddress()]
      await code(user, there)
      await code(user, elsewhere)
      expect(await enter(user, home)).toBe('admitted')
      expect(await enter(user, elsewhere)).toBe('admitted')
      expect(await code(user, elsewhere)).toEqual([])
      const [lock, ...more] = await code(user, uniqueAddress())
      expect(more).toEqual([])
      expect(lock).toMatchObject({
        scope: 'user',
        cause: 'password_known',
        user,
        reason:
          '3 wrong codes after the right password: the password of this user is known to somebody; ' +
          'it ends only when somebody releases it',
      })
      expect(lock).not.toHaveProperty('until')
      expect(await enter(user, uniqueAddress())).toBe('locked')
      expect(await enter(user, work)).toBe('admitted')
      expect(await code(user, there), 'it is locked already').toEqual([])
      const events = await records().audit.list({ user, kinds: ['lockout.made'], limit: 9 })
      expect(events).toMatchObject([
        { reason: 'password_known', detail: expect.stringContaining('known to') },
      ])
    })

    test('and wrong passwords count apart, but together at a known address', async () => {
      const { user, home } = await userAtHomeAndWork()
      const [far, other] = [uniqueAddress(), unique('other')]
      await failTimes(2, other, { address: far })
      expect(await failTimes(2, other, { address: far, factor: 'code' })).toEqual([])
      expect(await fail(user, { address: home })).toEqual([])
      expect(await code(user, home)).toEqual([])
      expect(await code(user, home)).toMatchObject([{ scope: 'user_address', cause: 'hard_limit' }])
    })

    test('are those of one account, and of a person who releases', async () => {
      const { lockouts } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      const account = { source: 'partner', subject: `${user}@partner` }
      for (let i = 0; i < 2; i++) await code(user, uniqueAddress(), { account })
      expect(await failTimes(2, user, { address, factor: 'code' })).toEqual([])
      await lockouts.releaseUser(user, 'alice', 'has a new password', NOON)
      expect(await failTimes(2, user, { address, factor: 'code' })).toEqual([])
      expect(await code(user, address)).toMatchObject([{ cause: 'password_known' }])
    })

    test('at one moment from many addresses lock once, and none too late', async () => {
      for (let round = 0; round < 10; round++) {
        const users = Array.from({ length: 3 }, () => unique('user'))
        const guesses = users.flatMap((user) => [user, user, user].map((each) => code(each, uniqueAddress())))
        const made = (await Promise.all(guesses)).flat()
        expect(made.map(({ user }) => user).sort()).toEqual(users.sort())
      }
    })

    test('from an IPv6 customer are those of one place, and those without an address of another', async () => {
      const user = unique('user')
      await code(user, '2001:db8:1:2::1')
      await fail(user, { factor: 'code' })
      expect(await enter(user, '2001:db8:1:2::ffff')).toBe('admitted')
      expect(await fail(user, { factor: 'code' })).toEqual([])
      expect(await fail(user, { factor: 'code' })).toMatchObject([{ cause: 'password_known' }])
    })
  })

  describe('lockouts of a user with several names', () => {
    test('apply to a login by either name, once it is known who it is', async () => {
      const { login } = records()
      const [user, alias, other] = [unique('user'), unique('alias'), unique('other')]
      const [mine] = await fail(user, { lock: ['user'] })
      const [ofAlias] = await fail(alias, { lock: ['user'], account: undefined })
      const entry = admission(user, { kind: 'none' })
      const locksOf = async (query: { user: string; alias?: string }) =>
        (await login.view({ ...entry.query, account: undefined, ...query })).locks.map(({ id }) => id).sort()
      expect(await locksOf({ user: alias })).toEqual([ofAlias?.id])
      expect(await locksOf({ user, alias })).toEqual([mine?.id, ofAlias?.id].sort())
      const query = { ...entry.query, user: other, alias }
      expect(await login.admit({ ...entry, query })).toMatchObject({ kind: 'locked', lock: { user: alias } })
    })
  })
}
