import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/domain/session.ts'
import type { NewOrder } from '../../../src/domain/session-order.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import {
  accounting,
  admission,
  HOUR,
  id,
  MINUTE,
  NOON,
  unique,
  uniqueAddress,
  userNamed,
} from '../samples.ts'

export function orderContract(records: () => Repositories): void {
  function orderFor(gateway: string, more: Partial<NewOrder> = {}): NewOrder {
    const target = { session: unique('acct') }
    return { id: id(), gateway, kind: 'end', target, reason: 'operator', by: 'alice', at: NOON, ...more }
  }
  const answered = (gateway: string) =>
    records().audit.list({ gateway, kinds: ['session.end_answered'], limit: 9 })

  describe('orders to gateways', () => {
    test('are kept until they are acknowledged, the oldest first', async () => {
      const { orders } = records()
      const gateway = unique('gw')
      const written = [
        orderFor(gateway, { user: 'bob' }),
        orderFor(gateway, { target: { user: 'bob@corp' }, detail: 'laptop stolen' }),
        orderFor(gateway, { target: { address: '192.0.2.1' }, kind: 'unban', reason: 'released' }),
      ]
      expect(await orders.write(written)).toEqual(written.map((order) => order.id))
      const open = written.map((order) => ({ ...order, tries: 0 }))
      expect(await orders.open(gateway, 9)).toEqual(open)
      expect(await orders.open(gateway, 1)).toEqual(open.slice(0, 1))
      expect(await orders.open(unique('gw'), 9)).toEqual([])

      const [first, second, third] = open.map((order) => order.id)
      await orders.noteSent([first ?? '', second ?? ''])
      const results = [
        { id: second ?? '', outcome: 'failed', detail: 'occtl did not answer' },
        { id: first ?? '', outcome: 'done' },
      ] as const
      const closed = await orders.close(gateway, results, 'agent-gw1', NOON + 5)
      expect(closed).toEqual([
        { ...open[0], tries: 1, doneAt: NOON + 5, outcome: 'done' },
        { ...open[1], tries: 1, doneAt: NOON + 5, outcome: 'failed', detail: 'occtl did not answer' },
      ])
      expect((await orders.open(gateway, 9)).map((order) => order.id)).toEqual([third])
      expect((await orders.list({ gateway, limit: 9 })).map((order) => order.id)).toEqual([
        third,
        second,
        first,
      ])
      expect(await orders.list({ ids: [first ?? ''], limit: 9 })).toEqual([closed[0]])
      expect(await answered(gateway)).toMatchObject([
        { actor: 'agent-gw1', reason: 'failed', detail: expect.stringContaining('occtl did not answer') },
        { actor: 'agent-gw1', reason: 'done', user: 'bob' },
      ])
    })

    test('are closed once, and by their own gateway alone', async () => {
      const { orders } = records()
      const [gateway, other] = [unique('gw'), unique('gw')]
      const order = orderFor(gateway)
      await orders.write([order])
      const results = [{ id: order.id, outcome: 'done' }] as const
      expect(await orders.close(other, results, 'thief', NOON)).toEqual([])
      expect(await orders.open(gateway, 9)).toHaveLength(1)
      expect(await orders.close(gateway, [...results, ...results], 'agent', NOON)).toHaveLength(1)
      expect(await orders.close(gateway, [{ id: order.id, outcome: 'failed' }], 'agent', NOON)).toEqual([])
      expect(await answered(gateway)).toHaveLength(1)
      await orders.noteSent([order.id])
      expect(await orders.list({ gateway, limit: 9 })).toMatchObject([{ outcome: 'done', tries: 0 }])
    })

    test('are not written twice while one is open, and are written again after it', async () => {
      const { orders } = records()
      const gateway = unique('gw')
      const order = orderFor(gateway)
      const again = () => ({ ...order, id: id() })
      expect(await orders.write([order, again()])).toEqual([order.id, order.id])
      const atOnce = await Promise.all(Array.from({ length: 8 }, () => orders.write([again()])))
      expect(new Set(atOnce.flat())).toEqual(new Set([order.id]))
      // The same text is another target as a user's name, and the same target another order at another gateway.
      const { session = '' } = order.target as { session?: string }
      const others = [
        orderFor(gateway, { target: { user: session } }),
        orderFor(gateway, { target: { session }, kind: 'unban' }),
        orderFor(unique('gw'), { target: { session } }),
      ]
      expect(await orders.write(others)).toEqual(others.map((other) => other.id))
      await orders.close(gateway, [{ id: order.id, outcome: 'absent' }], 'agent', NOON)
      const next = again()
      expect(await orders.write([next])).toEqual([next.id])
    })

    test('are sent by one broker at a time', async () => {
      const { orders } = records()
      const gateway = unique('gw')
      const written = [orderFor(gateway), orderFor(gateway), orderFor(gateway)]
      await orders.write(written)
      const claimed = await Promise.all(
        Array.from({ length: 12 }, () => orders.claim(gateway, NOON, NOON + MINUTE)),
      )
      // A broker that finds an order in another's hands may find none this time.
      for (;;) {
        const next = await orders.claim(gateway, NOON, NOON + MINUTE)
        if (next === undefined) break
        claimed.push(next)
      }
      const taken = claimed.flatMap((order) => order?.id ?? []).sort()
      expect(taken).toEqual(written.map((order) => order.id))
      expect(await orders.claim(gateway, NOON + MINUTE - 1, NOON + HOUR)).toBeUndefined()
      expect(await orders.claim(gateway, NOON + MINUTE, NOON + HOUR)).toMatchObject({
        id: written[0]?.id,
        tries: 2,
      })
    })

    test('fail when nobody acknowledged them in time', async () => {
      const { orders } = records()
      const gateway = unique('gw')
      const [late, young] = [orderFor(gateway, { at: NOON - 2 * HOUR }), orderFor(gateway)]
      await orders.write([late, young])
      const failed = await orders.giveUp(NOON - HOUR, NOON, 1000)
      expect(failed.filter((order) => order.gateway === gateway)).toMatchObject([
        { id: late.id, outcome: 'failed', doneAt: NOON, detail: expect.any(String) },
      ])
      expect(await orders.open(gateway, 9)).toMatchObject([{ id: young.id }])
      expect(await answered(gateway)).toMatchObject([{ actor: 'ocbroker', reason: 'failed' }])
    })

    test('end the sessions of a user who is disabled, removed or locked, in the same transaction', async () => {
      const { users, orders, lockouts } = records()
      const [gateway, name] = [unique('gw'), unique('user')]
      await users.add(userNamed(name))
      const granted = async (user: string, session: Partial<Session> = {}) => {
        const entry = admission(
          user,
          { kind: 'none' },
          { address: '192.0.2.1', session: { gateway, ...session } },
        )
        await records().login.admit(entry)
        return entry.session
      }
      const named = await granted(name, { acctSession: unique('acct') })
      const unnamed = await granted(`${name}@corp`, { subject: name })
      await granted(name, { subject: `${name}@other` })
      await granted(unique('other'))
      const over = await granted(name, { acctSession: unique('acct') })
      await records().sessions.record(
        accounting('stop', name, over.acctSession ?? '', { gateway, at: NOON + 1 }),
      )
      const cause = { reason: 'disabled', by: 'alice', at: NOON, detail: 'left' } as const
      const expected = [
        { target: { session: named.acctSession }, user: name, ...cause },
        { target: { user: unnamed.user }, user: unnamed.user, ...cause },
      ]
      expect(await users.change(unique('nobody'), { enabled: false }, cause)).toBe('unknown')
      expect(await users.change(name, { enabled: true })).toBe('changed')
      expect(await orders.open(gateway, 9)).toEqual([])
      expect(await users.change(name, { enabled: false }, cause)).toBe('changed')
      const open = await orders.open(gateway, 9)
      expect(open).toMatchObject(expected)
      await orders.close(
        gateway,
        open.map(({ id }) => ({ id, outcome: 'done' }) as const),
        'agent',
        NOON,
      )
      expect(await users.remove(name, { ...cause, reason: 'removed' })).toBe(true)
      expect(await orders.open(gateway, 9)).toMatchObject(
        expected.map((each) => ({ ...each, reason: 'removed' })),
      )

      const away = await granted(unique('away'), { acctSession: unique('acct'), address: '2001:db8:7:8::1' })
      const lock = { id: id(), reason: 'stolen', by: 'alice', since: NOON } as const
      await lockouts.lock({ ...lock, scope: 'address', address: '2001:db8:7::/48' })
      const last = async () => (await orders.list({ gateway, limit: 1 }))[0]
      const locked = {
        reason: 'locked',
        by: 'alice',
        detail: 'stolen',
        target: { session: away.acctSession },
      }
      expect(await last()).toMatchObject(locked)
    })

    test('stay open, though nothing is there to end, while a login may yet become a tunnel', async () => {
      const { orders, sessions } = records()
      const [gateway, user, acctSession] = [unique('gw'), unique('user'), unique('acct')]
      const login = admission(user, { kind: 'none' }, { address: '192.0.2.1', session: { gateway } })
      await records().login.admit(login)
      const order = orderFor(gateway, { target: { user } })
      await orders.write([order])
      const absent = [{ id: order.id, outcome: 'absent' }] as const
      expect(await orders.close(gateway, absent, 'agent', NOON + MINUTE)).toEqual([])
      await sessions.record(
        accounting('start', user, acctSession, { gateway, address: '192.0.2.1', at: NOON + 2 * MINUTE }),
      )
      expect(await orders.close(gateway, absent, 'agent', NOON + 2 * MINUTE)).toHaveLength(1)

      const late = orderFor(gateway, { target: { session: unique('acct') } })
      const other = admission(
        user,
        { kind: 'none' },
        { session: { gateway, acctSession: (late.target as { session: string }).session } },
      )
      await records().login.admit(other)
      await orders.write([late])
      const result = [{ id: late.id, outcome: 'absent' }] as const
      expect(await orders.close(gateway, result, 'agent', NOON + MINUTE)).toEqual([])
      expect(await orders.close(gateway, result, 'agent', NOON + HOUR)).toHaveLength(1)
    })

    test('lift the bans that agents have reported of an address whose lockout is released', async () => {
      const { orders, lockouts, agents } = records()
      const [one, two] = [unique('gw'), unique('gw')]
      const agent = { host: 'vpn1', protocol: 1, version: '1', token: 't', heardAt: NOON, sessions: 0 }
      const [address, network] = [uniqueAddress(), '2001:db8:9:1::/64']
      const ban = (banned: string) => ({ address: banned, score: 80 })
      await agents.note({
        ...agent,
        gateway: one,
        bans: [ban(address), ban(uniqueAddress()), ban('2001:db8:9:1::7')],
      })
      await agents.note({ ...agent, gateway: two, bans: [ban(uniqueAddress())] })
      const lock = { scope: 'address', reason: 'guesses', by: 'alice', since: NOON } as const
      for (const place of [address, network, uniqueAddress()]) {
        const { id: made } = await lockouts.lock({ ...lock, id: id(), address: place })
        await lockouts.release(made, 'bob', 'mine', NOON + 1)
      }
      const common = { kind: 'unban', reason: 'released', by: 'bob', at: NOON + 1 }
      expect(await orders.open(one, 9)).toMatchObject([
        { ...common, target: { address } },
        { ...common, target: { address: '2001:db8:9:1::7' } },
      ])
      expect(await orders.open(two, 9)).toEqual([])
    })
  })
}
