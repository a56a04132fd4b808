import { describe, expect, test } from 'vitest'
import { MAX_RELEASED } from '../../../src/domain/lockout.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, failureOf, HOUR, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

export function lockoutHintContract(records: () => Repositories): void {
  const fail = (...failure: Parameters<typeof failureOf>) =>
    records().login.recordFailure(failureOf(...failure))

  async function letIn(user: string, address: string): Promise<void> {
    await records().login.admit(admission(user, { kind: 'none' }, { address, now: NOON - HOUR }))
  }

  /** Fails from each of the addresses, the last time with a lock. @returns the hint. */
  async function lockFrom(user: string, addresses: readonly string[], scope: 'user' | 'user_address') {
    for (const address of addresses.slice(0, -1)) await fail(user, { address })
    const [lockout] = await fail(user, { address: addresses.at(-1) ?? '', lock: [scope] })
    return lockout?.hint
  }

  async function lockTwo() {
    const [user, other] = [unique('user'), unique('other')]
    const [first] = await fail(user, { lock: ['user'] })
    const [second] = await fail(other, { lock: ['user'], at: NOON + MINUTE })
    return { user, other, first: first?.id ?? '', second: second?.id ?? '' }
  }

  describe('a lockout is judged when it is made', () => {
    test('by whether the user was let in from there', async () => {
      const [user, home] = [unique('user'), uniqueAddress()]
      await letIn(user, home)
      expect(await lockFrom(user, [home, home], 'user_address')).toBe('known_place')
      expect(await lockFrom(user, [uniqueAddress()], 'user_address')).toBe('new_place')
      expect((await records().lockouts.list({ user, limit: 9 })).map(({ hint }) => hint)).toEqual([
        'new_place',
        'known_place',
      ])
    })

    test('by all addresses from which the user failed', async () => {
      const user = unique('user')
      const places = Array.from({ length: 10 }, uniqueAddress)
      for (const place of places) await letIn(user, place)
      expect(await lockFrom(user, places, 'user')).toBe('known_place')
      const robbed = unique('user')
      const home = uniqueAddress()
      await letIn(robbed, home)
      expect(await lockFrom(robbed, [home, uniqueAddress(), home], 'user')).toBe('new_place')
      const attacked = unique('user')
      await letIn(attacked, home)
      expect(await lockFrom(attacked, [...places.slice(0, 9), home], 'user')).toBe('guessing')
    })

    test('by how many names failed there', async () => {
      const address = uniqueAddress()
      for (const user of [unique('one'), unique('two')]) await fail(user, { address })
      const [user, resident] = [unique('three'), unique('four')]
      await letIn(resident, address)
      expect(await lockFrom(user, [address], 'user_address')).toBe('guessing')
      expect(await lockFrom(resident, [address], 'user_address')).toBe('known_place')
    })

    test('again when a later one at the same address shows guessing', async () => {
      const [user, resident, address] = [unique('first'), unique('resident'), uniqueAddress()]
      await letIn(resident, address)
      expect(await lockFrom(user, [address], 'user_address')).toBe('new_place')
      await lockFrom(resident, [address], 'user_address')
      expect(await lockFrom(unique('third'), [address], 'user_address')).toBe('guessing')
      const hintsOf = async (who: string) =>
        (await records().lockouts.list({ user: who, limit: 9 })).map(({ hint }) => hint)
      expect([await hintsOf(user), await hintsOf(resident)]).toEqual([['guessing'], ['known_place']])
      const [robbed, elsewhere] = [unique('robbed'), uniqueAddress()]
      expect(await lockFrom(robbed, [elsewhere], 'user_address')).toBe('new_place')
      expect(await lockFrom(robbed, Array.from({ length: 4 }, uniqueAddress), 'user')).toBe('guessing')
      expect(await hintsOf(robbed)).toEqual(['guessing', 'guessing'])
    })

    test('without an address as at a new place, and an address as guessing', async () => {
      const [lockout] = await fail(unique('user'), { lock: ['user'] })
      expect(lockout?.hint).toBe('new_place')
      const [address] = await fail(unique('user'), { lock: ['address'], address: uniqueAddress() })
      expect(address?.hint).toBe('guessing')
    })
  })

  describe('lockouts in force', () => {
    test('are counted and found by hint', async () => {
      const { lockouts } = records()
      const [user, home] = [unique('user'), uniqueAddress()]
      await letIn(user, home)
      const before = await lockouts.countByHint({}, NOON, 1_000)
      await lockFrom(user, [home], 'user_address')
      await lockFrom(user, [uniqueAddress()], 'user_address')
      const after = await lockouts.countByHint({}, NOON, 1_000)
      expect(after).toEqual({
        ...before,
        known_place: before.known_place + 1,
        new_place: before.new_place + 1,
      })
      expect(await lockouts.countByHint({ user }, NOON, 1_000)).toMatchObject({
        known_place: 1,
        new_place: 1,
        guessing: 0,
      })
      expect(await lockouts.countByHint({ address: home }, NOON, 9)).toMatchObject({ known_place: 1 })
      expect(await lockouts.countByHint({ gateway: 'nowhere' }, NOON, 9)).toMatchObject({ known_place: 0 })
      expect(await lockouts.countByHint({ user }, NOON + HOUR, 9)).toMatchObject({ known_place: 0 })
      const standing = { state: 'in_force', at: NOON } as const
      const found = await lockouts.list({ standing, hint: 'known_place', limit: 1_000 })
      expect(found.filter((each) => each.user === user)).toMatchObject([{ address: home }])
      expect(found.every(({ hint }) => hint === 'known_place')).toBe(true)
    })

    test('are listed by name, or by their end, page by page', async () => {
      const { lockouts } = records()
      const { first, second } = await lockTwo()
      const standing = { state: 'in_force', at: NOON } as const
      for (const order of ['name', 'first_ending'] as const) {
        const all = await lockouts.list({ standing, order, limit: 1_000 })
        const keys = all.map(({ name, user, address, until }) =>
          order === 'name' ? (name ?? user ?? address) : (until ?? Number.MAX_SAFE_INTEGER),
        )
        expect(keys).toEqual(keys.toSorted((a = 0, b = 0) => (a < b ? -1 : a > b ? 1 : 0)))
        expect(all.map((each) => each.id)).toEqual(expect.arrayContaining([first, second]))
        const at = all.findIndex((each) => each.id === first)
        const rest = await lockouts.list({ standing, order, after: first, limit: 1_000 })
        expect(rest).toEqual(all.slice(at + 1))
      }
    })

    test('are released together, each with an event, and those that are over are left', async () => {
      const { lockouts, audit } = records()
      const { user, other, first, second } = await lockTwo()
      await lockouts.release(second, 'bob', 'sooner', NOON + MINUTE)
      const released = await lockouts.releaseAll([first, second, id()], 'alice', 'called', NOON + MINUTE)
      expect(released).toMatchObject([{ id: first, releasedBy: 'alice', releaseReason: 'called' }])
      const events = { kinds: ['lockout.released'], limit: 9 } as const
      expect(await audit.list({ user, ...events })).toMatchObject([{ actor: 'alice', detail: 'called' }])
      expect(await audit.list({ user: other, ...events })).toMatchObject([{ actor: 'bob' }])
      expect(await lockouts.releaseAll([], 'alice', 'called', NOON)).toEqual([])
    })

    test('are released a bounded number at a time', async () => {
      const { lockouts } = records()
      const { first } = await lockTwo()
      const many = [...Array.from({ length: MAX_RELEASED }, id), first]
      expect(await lockouts.releaseAll(many, 'alice', 'called', NOON)).toEqual([])
    })

    test('that several release at once in any order are released once, and begin new counts', async () => {
      const { lockouts } = records()
      const rules = { hardAfter: 4 }
      const users = Array.from({ length: 4 }, () => unique('user'))
      const ids: string[] = []
      for (const user of users) {
        for (let failed = 0; failed < 2; failed += 1) await fail(user, { rules })
        const made = await fail(user, { lock: ['user', 'user_address'], address: uniqueAddress(), rules })
        ids.push(...made.map((lockout) => lockout.id))
      }
      const orders = [ids, ids.toReversed(), ids.slice(4), ids.slice(0, 4)]
      const answers = await Promise.all(
        orders.map((order) => lockouts.releaseAll(order, 'alice', 'called', NOON + 1)),
      )
      expect(answers.flat().map((lockout) => lockout.id)).toHaveLength(ids.length)
      for (const user of users) expect(await fail(user, { at: NOON + 2, rules })).toEqual([])
    })
  })
}
