import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { LockoutSearch } from '../../../src/domain/lockout.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { type Failure, failureOf, HOUR, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

export function lockoutSearchContract(records: () => Repositories): void {
  const fail = (user: string, more: Failure) => records().login.recordFailure(failureOf(user, more))
  const search = (more: Partial<LockoutSearch>) =>
    records().lockouts.list({ order: 'newest', limit: 50, ...more })
  const ids = async (more: Partial<LockoutSearch>) => (await search(more)).map((lockout) => lockout.id)

  /** Four lockouts of one address, a minute apart: released, ended, in force, in force. */
  async function four() {
    const { lockouts } = records()
    const address = uniqueAddress()
    const made: string[] = []
    for (const minute of [-30, -20, -2, -1]) {
      const [lockout] = await fail(unique('user'), {
        address,
        at: NOON + minute * MINUTE,
        lock: ['user_address'],
        rules: { forMs: 5 * MINUTE },
      })
      made.push(lockout?.id ?? '')
      // Identifiers tell the order in which they were made to the millisecond.
      await sleep(2)
    }
    const [first = ''] = made
    await lockouts.release(first, 'alice', 'called', NOON - 29 * MINUTE)
    return { address, made, newest: [...made].reverse() }
  }

  describe('lockouts that people look for and release', () => {
    test('are found by address, gateway, scope and state', async () => {
      const { address, newest } = await four()
      expect(await ids({ address })).toEqual(newest)
      expect(await ids({ address, order: 'oldest' })).toEqual([...newest].reverse())
      expect(await ids({ address, standing: { state: 'in_force', at: NOON } })).toEqual(newest.slice(0, 2))
      expect(await ids({ address, standing: { state: 'ended', at: NOON } })).toEqual([newest[2]])
      expect(await ids({ address, standing: { state: 'released', at: NOON } })).toEqual([newest[3]])
      expect(await ids({ address, gateway: 'gw1' })).toEqual(newest)
      expect(await ids({ address, gateway: 'gw2' })).toEqual([])
      expect(await ids({ address, scope: 'user_address' })).toEqual(newest)
      expect(await ids({ address, scope: 'user' })).toEqual([])
    })

    test('are found by the time at which they began', async () => {
      const { address, newest } = await four()
      expect(await ids({ address, since: NOON - 2 * MINUTE })).toEqual(newest.slice(0, 2))
      expect(await ids({ address, before: NOON - 2 * MINUTE })).toEqual(newest.slice(2))
    })

    test('come a page at a time in either order, and each once', async () => {
      const { address, newest } = await four()
      const times = [
        {},
        { since: NOON - HOUR },
        { before: NOON + HOUR },
        { since: NOON - HOUR, before: NOON },
      ]
      for (const order of ['newest', 'oldest'] as const) {
        for (const time of times) {
          const seen: string[] = []
          for (;;) {
            const after = seen.length > 0 && { after: seen.at(-1) ?? '' }
            const page = await ids({ address, order, limit: 3, ...time, ...after })
            seen.push(...page)
            if (page.length < 3) break
          }
          expect(seen).toEqual(order === 'newest' ? newest : [...newest].reverse())
        }
      }
    })

    test('are found one by one', async () => {
      const { made } = await four()
      const { lockouts } = records()
      expect(await lockouts.find(made[1] ?? '')).toMatchObject({ id: made[1], cause: 'failures' })
      expect(await lockouts.find(id())).toBeUndefined()
    })

    test('are counted while they are in force, and no further than wanted', async () => {
      await four()
      const { lockouts } = records()
      const all = await lockouts.countInForce(NOON, 1_000_000)
      await four()
      expect(await lockouts.countInForce(NOON, 1_000_000)).toBe(all + 2)
      expect(await lockouts.countInForce(NOON, 2)).toBe(2)
    })

    test('made by hand lock the login, with an end or without', async () => {
      const { lockouts, login, audit } = records()
      const user = unique('user')
      const wanted = {
        id: id(),
        scope: 'user',
        user,
        reason: 'lost laptop',
        by: 'alice',
        since: NOON,
      } as const
      const lockout = await lockouts.lock(wanted)
      expect(lockout).toEqual({
        id: wanted.id,
        scope: 'user',
        hint: 'by_hand',
        cause: 'by_hand',
        user,
        reason: 'lost laptop',
        since: NOON,
      })
      expect((await login.view({ user, subjects: [], now: NOON + 1e6 * HOUR })).locks).toEqual([lockout])
      expect(await audit.list({ user, limit: 9 })).toMatchObject([
        {
          kind: 'lockout.made',
          actor: 'alice',
          reason: 'by_hand',
          detail: expect.stringContaining('lost laptop'),
        },
      ])
      const other = unique('user')
      await lockouts.lock({ ...wanted, id: id(), user: other, until: NOON + HOUR })
      expect((await login.view({ user: other, subjects: [], now: NOON + HOUR - 1 })).locks).toHaveLength(1)
      expect((await login.view({ user: other, subjects: [], now: NOON + HOUR })).locks).toEqual([])
    })

    test('that are the last two of a user and released at once begin a new count of failures', async () => {
      const rules = { hardAfter: 4 }
      for (let round = 0; round < 20; round += 1) {
        const user = unique('user')
        for (let failed = 0; failed < 2; failed += 1) await fail(user, { rules })
        const locks = await fail(user, { lock: ['user_address', 'user'], address: uniqueAddress(), rules })
        const outcomes = await Promise.all(
          locks.map((lock) => records().lockouts.release(lock.id, 'alice', 'called', NOON + 1)),
        )
        expect(outcomes.map(({ kind }) => kind)).toEqual(['released', 'released'])
        expect(await fail(user, { at: NOON + 2, rules })).toEqual([])
      }
    })

    test('are released one at a time, once, with who and why', async () => {
      const { lockouts, login, audit } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      const [pair] = await fail(user, { address, lock: ['user_address'] })
      const [everywhere] = await fail(user, { address, lock: ['user'] })
      const released = await lockouts.release(pair?.id ?? '', 'alice', 'called', NOON + 1)
      const mark = { releasedAt: NOON + 1, releasedBy: 'alice', releaseReason: 'called' }
      expect(released).toEqual({ kind: 'released', lockout: { ...pair, ...mark } })
      expect((await login.view({ user, subjects: [], address, now: NOON + 1 })).locks).toEqual([everywhere])
      expect(await audit.list({ user, kinds: ['lockout.released'], limit: 9 })).toMatchObject([
        { actor: 'alice', detail: 'called', address, reason: 'user_address' },
      ])
      const again = await lockouts.release(pair?.id ?? '', 'bob', 'again', NOON + 2)
      expect(again).toEqual({ kind: 'not_in_force' })
      expect(await lockouts.release(id(), 'bob', 'guess', NOON + 2)).toEqual({ kind: 'unknown' })
      const after = await lockouts.release(everywhere?.id ?? '', 'bob', 'late', NOON + 24 * HOUR)
      expect(after).toEqual({ kind: 'not_in_force' })
    })

    test('whose last one is released begin a new count of failures', async () => {
      const { lockouts } = records()
      const user = unique('user')
      const rules = { hardAfter: 2 }
      await fail(user, { rules })
      const [hard] = await fail(user, { rules })
      await lockouts.release(hard?.id ?? '', 'alice', 'called', NOON)
      expect(await fail(user, { rules })).toEqual([])
      expect(await fail(user, { rules })).toHaveLength(1)
    })

    test('of one many askers release, one releases', async () => {
      const { lockouts } = records()
      const [lockout] = await fail(unique('user'), { lock: ['user'] })
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, n) => lockouts.release(lockout?.id ?? '', `desk ${n}`, 'called', NOON)),
      )
      expect(answers.filter(({ kind }) => kind === 'released')).toHaveLength(1)
    })
  })
}
