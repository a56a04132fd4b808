import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, eventOf, failureOf, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

/** Addresses of one customer, and the network that they lie in; no other test has used them. */
function uniqueNetwork() {
  const [high, low] = [0, 2].map((at) => (0x1000 + (randomBytes(4).readUInt16BE(at) >> 4)).toString(16))
  const prefix = `2001:db8:${high}:${low}`
  return { first: `${prefix}::1`, second: `${prefix}:2:3:4:5`, network: `${prefix}::/64` }
}

export function networkContract(records: () => Repositories): void {
  describe('addresses of one IPv6 customer', () => {
    test.each(['address', 'user_address'] as const)('are locked together, by %s', async (scope) => {
      const { login, lockouts } = records()
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
        expect(await lockouts.list({ address, limit: 9 })).toEqual([lock])
      }
      expect(await login.recordFailure(failureOf(user, { address: second, lock: [scope] }))).toEqual([])
    })

    test.each([
      ['address_56', '200::/56', 200, '2ff', '300'],
      ['address_48', ':/48', 800, 'ffff', undefined],
    ] as const)('are locked with all of %s when that has failed', async (budget, end, failures, in_, out) => {
      const { login, lockouts } = records()
      const [user, site] = [unique('user'), uniqueNetwork().network.split(':').slice(0, 3).join(':')]
      const from = (subnet: string) => `${site}:${subnet}:9::9`
      const owner = unique('owner')
      await login.admit(admission(owner, { kind: 'none' }, { address: from(in_) }))
      const [lock] = await login.recordFailure(
        failureOf(user, { address: `${site}:201::1`, lock: [budget], rules: { addressAfter: 50 } }),
      )
      const address = `${site}:${end}`
      const reason = `${failures} failed logins from this network within 600 s`
      expect(lock).toMatchObject({ scope: 'address', address, reason })
      expect(lock).not.toHaveProperty('user')
      const locksAt = async (subnet: string) =>
        (await login.view({ user: unique('user'), subjects: [], address: from(subnet), now: NOON })).locks
      expect(await locksAt(in_)).toEqual([lock])
      if (out !== undefined) expect(await locksAt(out)).toEqual([])
      expect(await lockouts.list({ address: from(in_), limit: 9 })).toEqual([lock])
      expect(await lockouts.list({ address, limit: 9 })).toEqual([lock])
      const again = failureOf(user, { address: from(in_), lock: [budget] })
      expect(await login.recordFailure(again)).toEqual([])
      const entry = admission(user, { kind: 'none' }, { address: from(in_) })
      expect(await login.admit(entry)).toMatchObject({ kind: 'locked' })
      const known = admission(owner, { kind: 'none' }, { address: from(in_), now: NOON + MINUTE })
      expect(await login.admit(known), 'a known address').toMatchObject({ kind: 'admitted' })
    })

    test('are found in the audit trail by the wider networks around them', async () => {
      const { audit } = records()
      const site = uniqueNetwork().network.split(':').slice(0, 3).join(':')
      const kinds = ['login.refused'] as const
      for (const subnet of ['', ':1', ':ff', ':100', ':1ff', ':a00', ':ffff'])
        await audit.append(eventOf(unique('user'), { id: id(), address: `${site}${subnet}::7` }))
      await audit.append(eventOf(unique('user'), { id: id(), address: `${site}1:1::7` }))
      const within = async (network: string) =>
        (await audit.list({ address: network, kinds, order: 'oldest', limit: 99 })).map(({ address }) =>
          address?.slice(site.length),
        )
      expect(await within(`${site}::/48`)).toEqual(
        ['', ':1', ':ff', ':100', ':1ff', ':a00', ':ffff'].map((subnet) => `${subnet}::7`),
      )
      expect(await within(`${site}::/56`)).toEqual(['::7', ':1::7', ':ff::7'])
      expect(await within(`${site}:100::/56`)).toEqual([':100::7', ':1ff::7'])
      expect(await within(`${site}:a00::/56`)).toEqual([':a00::7'])
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
      const { login, audit, sessions } = records()
      const [user, { first, second, network }] = [unique('user'), uniqueNetwork()]
      for (const address of [first, second]) {
        await login.admit(admission(user, { kind: 'none' }, { address }))
        await audit.append(eventOf(user, { id: id(), address }))
      }
      const sessionsFrom = (address: string) => sessions.list({ address, limit: 9 })
      expect((await sessionsFrom(network)).map(({ address }) => address)).toEqual([second, first])
      expect((await sessionsFrom(first)).map(({ address }) => address)).toEqual([first])
      const kinds = ['login.refused'] as const
      const events = (address: string) => audit.list({ address, kinds, order: 'oldest', limit: 9 })
      expect((await events(network)).map(({ address }) => address)).toEqual([first, second])
      expect(await events(second)).toEqual([expect.objectContaining({ user, address: second })])
    })
  })

  describe('addresses of IPv4', () => {
    /** Of its own for each test: the store is shared. */
    const neighbours = () => {
      const [second, third] = [...randomBytes(2)]
      return { first: `10.${second}.${third}.`, wider: `10.${second}.0.0/16`, second, third: third ?? 0 }
    }

    test('are found by every network that they lie in, in the audit trail, sessions and lockouts', async () => {
      const { login, audit, sessions, lockouts } = records()
      const { first, second, third, wider } = neighbours()
      const user = unique('user')
      const [near, far] = [`${first}9`, `10.${second}.${third ^ 1}.200`]
      for (const address of [near, far]) {
        await login.admit(admission(user, { kind: 'none' }, { address }))
        await audit.append(eventOf(user, { id: id(), address }))
        await login.recordFailure(failureOf(user, { address, lock: ['user_address'] }))
      }
      const both = `10.${second}.${third & 0xfe}.0/23`
      for (const [network, expected] of [
        [`${first}0/24`, [near]],
        [`${first}8/30`, [near]],
        [`${first}16/28`, []],
        [`10.${second}.${third ^ 1}.192/26`, [far]],
        [both, [far, near]],
        [wider, [far, near]],
        ['10.0.0.0/8', [far, near]],
        [`11.${second}.0.0/16`, []],
      ] as const) {
        const found = async (list: readonly { readonly address?: string }[]) =>
          [...new Set(list.map(({ address }) => address))].sort()
        const search = { user, address: network, limit: 99 }
        const wanted = [...expected].sort()
        expect([network, await found(await audit.list(search))]).toEqual([network, wanted])
        expect([network, await found(await sessions.list(search))]).toEqual([network, wanted])
        expect([network, await found(await lockouts.list(search))]).toEqual([network, wanted])
      }
    })

    test('are locked together when their /24 is locked manually, and no others', async () => {
      const { login, lockouts } = records()
      const { first, second, third } = neighbours()
      const [user, network] = [unique('user'), `${first}0/24`]
      await login.admit(admission(user, { kind: 'none' }, { address: `${first}7` }))
      const lock = await lockouts.lock({
        id: id(),
        scope: 'address',
        address: network,
        reason: 'an attack',
        by: 'ada',
        since: NOON,
      })
      const locksAt = async (address: string) =>
        (await login.view({ user, subjects: [], address, now: NOON })).locks
      expect(await locksAt(`${first}7`)).toEqual([lock])
      expect(await login.admit(admission(user, { kind: 'none' }, { address: `${first}254` }))).toMatchObject({
        kind: 'locked',
      })
      expect(await locksAt(`10.${second}.${third ^ 1}.7`)).toEqual([])
      expect(await lockouts.list({ address: `${first}99`, limit: 9 })).toEqual([lock])
      expect(await lockouts.list({ address: network, limit: 9 })).toEqual([lock])
    })
  })
}
