import { describe, expect, test } from 'vitest'
import type { Census } from '../../../src/domain/census.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, admission, HOUR, id, NOON, unique, uniqueAddress } from '../samples.ts'

const DAY = 24 * HOUR

export function censusContract(records: () => Repositories): void {
  describe('a census', () => {
    test('counts lockouts in force by scope and cause', async () => {
      const { lockouts, census } = records()
      const byHand = ({ lockouts: counted }: Census) =>
        counted.find(({ scope, cause }) => scope === 'user' && cause === 'by_hand')?.count ?? 0
      const before = byHand(await census.take(NOON))
      const made = { scope: 'user' as const, reason: 'tests', by: 'tests', since: NOON - HOUR }
      await lockouts.lock({ ...made, id: id(), user: unique('user') })
      await lockouts.lock({ ...made, id: id(), user: unique('user'), until: NOON + HOUR })
      await lockouts.lock({ ...made, id: id(), user: unique('user'), until: NOON - 1 })
      const released = await lockouts.lock({ ...made, id: id(), user: unique('user') })
      await lockouts.release(released.id, 'tests', 'tests', NOON - 1)
      expect(byHand(await census.take(NOON))).toBe(before + 2)
    })

    test('counts sessions that have not ended by gateway and state', async () => {
      const { login, sessions, census } = records()
      const gateway = unique('gateway')
      const begin = async (at: number, ...kinds: readonly ('start' | 'stop')[]) => {
        const [user, acct, address] = [unique('user'), unique('acct'), uniqueAddress()]
        await login.admit(
          admission(
            user,
            { kind: 'none' },
            { address, now: at, session: { gateway, grantedAt: at, updatedAt: at } },
          ),
        )
        for (const [index, kind] of kinds.entries())
          await sessions.record(accounting(kind, user, acct, { address, gateway, at: at + index + 1 }))
      }
      await begin(NOON)
      await begin(NOON, 'start')
      await begin(NOON, 'start')
      await begin(NOON - 2 * DAY)
      await begin(NOON, 'start', 'stop')
      const mine = (await census.take(NOON + 1000)).sessions.filter((each) => each.gateway === gateway)
      expect(mine.map(({ state, count }) => [state, count]).sort()).toEqual([
        ['granted', 1],
        ['open', 2],
        ['silent', 1],
      ])
    })
  })
}
