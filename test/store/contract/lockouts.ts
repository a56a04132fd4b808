import { describe, expect, test } from 'vitest'
import { isInForce, type Lockout } from '../../../src/domain/lockout.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, failureOf, HOUR, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

export function lockoutContract(records: () => Repositories): void {
  const fail = (...failure: Parameters<typeof failureOf>) =>
    records().login.recordFailure(failureOf(...failure))

  describe('lockouts', () => {
    test('say who, from where, why, since and until, and are in the audit trail', async () => {
      const { login, lockouts, audit } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      const failure = failureOf(user, { address, lock: ['user_address'] })
      const made = await login.recordFailure(failure)
      expect(made).toEqual([
        {
          id: expect.any(String),
          scope: 'user_address',
          cause: 'failures',
          user,
          address,
          gateway: 'gw1',
          hint: 'new_place',
          reason: '5 failed logins of this user from this address within 600 s',
          since: NOON,
          until: NOON + 5 * MINUTE,
        },
      ])
      expect(await lockouts.list({ user, limit: 9 })).toEqual(made)
      const events = await audit.list({ user, limit: 9 })
      expect(events).toHaveLength(2)
      expect(events).toContainEqual(failure.event)
      expect(events.find(({ kind }) => kind === 'lockout.made')).toMatchObject({
        at: NOON,
        user,
        address,
        gateway: 'gw1',
        reason: 'failures',
      })
    })

    test('name what their scope covers', async () => {
      const [user, address] = [unique('user'), uniqueAddress()]
      const made = await fail(user, { address, lock: ['user_address', 'user', 'address'] })
      const named = (scope: string) => {
        const lockout = made.find((candidate) => candidate.scope === scope)
        return [lockout?.user, lockout?.address]
      }
      expect(named('user_address')).toEqual([user, address])
      expect(named('user')).toEqual([user, undefined])
      expect(named('address')).toEqual([undefined, address])
    })

    test('of an address need one', async () => {
      expect(await fail(unique('user'), { lock: ['user_address', 'address'] })).toEqual([])
    })

    test('apply only to the users and addresses that they name', async () => {
      const { login } = records()
      const [user, stranger] = [unique('user'), unique('stranger')]
      const [here, there] = [uniqueAddress(), uniqueAddress()]
      const scopes = async (who: string, address?: string) => {
        const query = { user: who, subjects: [], now: NOON, address }
        return (await login.view(query)).locks.map(({ scope }) => scope)
      }
      await fail(user, { address: here, lock: ['user_address'] })
      expect(await scopes(user, here)).toEqual(['user_address'])
      expect(await scopes(user, there)).toEqual([])
      expect(await scopes(user)).toEqual([])
      expect(await scopes(stranger, here)).toEqual([])
      await fail(user, { address: here, lock: ['user'] })
      expect(await scopes(user, there)).toEqual(['user'])
      expect(await scopes(user)).toEqual(['user'])
      await fail(unique('anybody'), { address: there, lock: ['address'] })
      expect(await scopes(stranger, there)).toEqual(['address'])
      expect(await scopes(stranger, here)).toEqual([])
    })

    test('end by themselves', async () => {
      const { login, lockouts } = records()
      const user = unique('user')
      const [lock] = await fail(user, { lock: ['user'] })
      const until = lock?.until ?? 0
      const locksAt = async (now: number) => (await login.view({ user, subjects: [], now })).locks.length
      expect(await locksAt(until - 1)).toBe(1)
      expect(await locksAt(until)).toBe(0)
      expect(
        await lockouts.list({ user, standing: { state: 'in_force', at: until - 1 }, limit: 9 }),
      ).toHaveLength(1)
      expect(
        await lockouts.list({ user, standing: { state: 'in_force', at: until }, limit: 9 }),
      ).toHaveLength(0)
      expect(await login.admit(admission(user, { kind: 'none' }, { now: until }))).toEqual({
        kind: 'admitted',
      })
    })

    test('are not made where one of the same scope and key is in force', async () => {
      const [user, address] = [unique('user'), uniqueAddress()]
      expect(await fail(user, { address, lock: ['user_address'] })).toHaveLength(1)
      expect(await fail(user, { address, lock: ['user_address'], at: NOON + MINUTE })).toEqual([])
      expect(await fail(user, { address: uniqueAddress(), lock: ['user_address'] })).toHaveLength(1)
      expect(await fail(user, { address, lock: ['user'] })).toHaveLength(1)
    })

    test('from failures at one moment are one', async () => {
      const [user, address] = [unique('user'), uniqueAddress()]
      const made = await Promise.all(
        Array.from({ length: 50 }, () => fail(user, { address, lock: ['user_address', 'user'] })),
      )
      expect(
        made
          .flat()
          .map(({ scope }) => scope)
          .sort(),
      ).toEqual(['user', 'user_address'])
    })

    test('of one address over many users are one, although its failures come at one moment', async () => {
      const address = uniqueAddress()
      const made = await Promise.all(
        Array.from({ length: 50 }, () => fail(unique('user'), { address, lock: ['address'] })),
      )
      expect(made.flat().map(({ scope }) => scope)).toEqual(['address'])
    })

    test('last twice as long each time, up to the cap, until a day has passed', async () => {
      const user = unique('user')
      let now = NOON
      const minutes: number[] = []
      for (let round = 0; round < 6; round++) {
        const [lock] = await fail(user, { lock: ['user'], at: now })
        const until = lock?.until ?? 0
        minutes.push((until - now) / MINUTE)
        now = until
      }
      expect(minutes).toEqual([5, 10, 20, 40, 60, 60])
      const dayAfter = await fail(user, { lock: ['user'], at: now + 24 * HOUR })
      expect(dayAfter[0]?.until).toBe(now + 24 * HOUR + 5 * MINUTE)
    })

    test('escalate by scope and key, and a release ends the escalation', async () => {
      const { lockouts } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      const lastsFrom = async (at: number, from: string) => {
        const [lock] = await fail(user, { address: from, lock: ['user_address'], at })
        return ((lock?.until ?? 0) - at) / MINUTE
      }
      expect(await lastsFrom(NOON, address)).toBe(5)
      expect(await lastsFrom(NOON + 10 * MINUTE, uniqueAddress())).toBe(5)
      expect(await lastsFrom(NOON + 10 * MINUTE, address)).toBe(10)
      await lockouts.releaseUser(user, 'alice', 'their own typing', NOON + 11 * MINUTE)
      // The first one ended by itself and still counts; the one that was released does not.
      expect(await lastsFrom(NOON + 12 * MINUTE, address)).toBe(10)
    })

    test('are endless after too many failures in a row, whatever else is in force', async () => {
      const { login } = records()
      const user = unique('user')
      const three = { hardAfter: 3 }
      expect(await fail(user, { rules: three })).toEqual([])
      expect(await fail(user, { rules: three, lock: ['user'] })).toHaveLength(1)
      const [hard, ...more] = await fail(user, { rules: three, lock: ['user'] })
      expect(more).toEqual([])
      expect(hard).toMatchObject({ scope: 'user', cause: 'hard_limit', user })
      expect(hard).not.toHaveProperty('until')
      expect(await fail(user, { rules: three, lock: ['user'] })).toEqual([])
      const { locks } = await login.view({ user, subjects: [], now: NOON + 1e6 * HOUR })
      expect(locks).toEqual([hard])
      expect(isInForce(locks[0] as Lockout, NOON + 1e6 * HOUR)).toBe(true)
      const answer = await login.admit(admission(user, { kind: 'none' }, { now: NOON + 1e6 * HOUR }))
      expect(answer).toEqual({ kind: 'locked', lock: hard })
    })

    test('by the hard limit count only failures in a row', async () => {
      const { login, lockouts } = records()
      const user = unique('user')
      const two = { hardAfter: 2 }
      expect(await fail(user, { rules: two })).toEqual([])
      await login.admit(admission(user, { kind: 'none' }))
      expect(await fail(user, { rules: two })).toEqual([])
      await lockouts.releaseUser(user, 'alice', 'called', NOON)
      expect(await fail(user, { rules: two })).toEqual([])
      expect(await fail(user, { rules: two })).toHaveLength(1)
    })

    test('that name a user are released together, with who and why', async () => {
      const { login, lockouts, audit } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      const made = await fail(user, {
        address,
        lock: ['user_address', 'user', 'address'],
        rules: { hardAfter: 1 },
      })
      const later = NOON + MINUTE
      const released = await lockouts.releaseUser(user, 'alice', 'called the desk', later)
      const mark = { releasedAt: later, releasedBy: 'alice', releaseReason: 'called the desk' }
      const theirs = made.filter((lockout) => lockout.user === user)
      expect(theirs.map(({ cause }) => cause).sort()).toEqual(['failures', 'hard_limit'])
      expect(byId(released)).toEqual(byId(theirs.map((lockout) => ({ ...lockout, ...mark }))))
      const { locks } = await login.view({ user, subjects: [], address, now: later })
      expect(locks.map(({ scope }) => scope)).toEqual(['address'])
      const events = await audit.list({ user, kinds: ['lockout.released'], limit: 9 })
      expect(events).toHaveLength(released.length)
      expect(events[0]).toMatchObject({ at: later, actor: 'alice', detail: 'called the desk' })
      expect(await lockouts.releaseUser(user, 'alice', 'again', later)).toEqual([])
      const listed = await lockouts.list({ user, limit: 9 })
      expect(byId(listed)).toEqual(byId(released))
    })

    test('are listed newest first, a page at a time', async () => {
      const { lockouts } = records()
      const address = uniqueAddress()
      for (let round = 0; round < 5; round++) await fail(unique('user'), { address, lock: ['user_address'] })
      const all = await lockouts.list({ address, limit: 9 })
      expect(all.map(({ id }) => id)).toEqual(
        all
          .map(({ id }) => id)
          .sort()
          .reverse(),
      )
      expect(all).toHaveLength(5)
      const first = await lockouts.list({ address, limit: 2 })
      const rest = await lockouts.list({ address, limit: 9, after: first[1]?.id ?? '' })
      expect([...first, ...rest]).toEqual(all)
    })
  })
}

function byId(lockouts: readonly Lockout[]): readonly Lockout[] {
  return [...lockouts].sort((a, b) => (a.id < b.id ? -1 : 1))
}
