import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Records } from '../../../src/store/records.ts'
import { admission, eventOf, failureOf, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

/** Addresses of one customer, and the network that they lie in; no other test has used them. */
function uniqueNetwork() {
  const [high, low] = [0, 2].map((at) => (0x1000 + (randomBytes(4).readUInt16BE(at) >> 4)).toString(16))
  const prefix = `2001:db8:${high}:${low}`
  return { first: `${prefix}::1`, second: `${prefix}:2:3:4:5`, network: `${prefix}::/64` }
}

export function networkContract(records: () => Records): void {
  describe('addresses of one IPv6 customer', () => {
    test.each(['address', 'user_address'] as const)('are locked together, by %s', async (scope) => {
      const { login, lockouts, lockoutDesk } = records()
      const [user, { first, second, network }] = [unique('user'), uniqueNetwork()]
      const [lock] = await login.recordFailure(failureOf(user, { address: first, lock: [scope] }))
      expect(lock).toMatchObject({ scope, address: network })
      expect((await login.view({ user, subjects: [], address: second, now: NOON })).locks).toEqual([lock])
      expect(await login.admit(admission(user, { kind: 'none' }, { address: second }))).toEqual({
        kind: 'locked',
        lock,
      })
      for (const address of [first, second, network]) {
        expect(await lockouts.list({ address, limit: 9 })).toEqual([lock])
        expect(await lockoutDesk.search({ address, now: NOON, order: 'newest', limit: 9 })).toEqual([lock])
      }
      expect(await login.recordFailure(failureOf(user, { address: second, lock: [scope] }))).toEqual([])
    })

    test('are known together', async () => {
      const { login } = records()
      const [user, { first, second }] = [unique('user'), uniqueNetwork()]
      await login.admit(admission(user, { kind: 'none' }, { address: first }))
      await login.recordFailure(failureOf(user, { address: uniqueAddress(), lock: ['user'] }))
      const isKnown = async (address: string) =>
        (await login.view({ user, subjects: [], address, now: NOON + MINUTE })).knownAddress
      expect(await isKnown(second)).toBe(true)
      expect(await isKnown(uniqueNetwork().first)).toBe(false)
    })

    test('are kept whole by sessions and the audit trail, which find them by their network, too', async () => {
      const { login, audit, auditTrail, sessionDesk } = records()
      const [user, { first, second, network }] = [unique('user'), uniqueNetwork()]
      for (const address of [first, second]) {
        await login.admit(admission(user, { kind: 'none' }, { address }))
        await audit.append(eventOf(user, { id: id(), address }))
      }
      const sessions = (address: string) => sessionDesk.search({ address, limit: 9 })
      expect((await sessions(network)).map(({ address }) => address)).toEqual([second, first])
      expect((await sessions(first)).map(({ address }) => address)).toEqual([first])
      const kinds = ['login.refused'] as const
      const events = (address: string) => auditTrail.search({ address, kinds, order: 'oldest', limit: 9 })
      expect((await events(network)).map(({ address }) => address)).toEqual([first, second])
      expect(await events(second)).toEqual([expect.objectContaining({ user, address: second })])
    })
  })
}
