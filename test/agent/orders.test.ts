import { expect, test } from 'vitest'
import { Occtl } from '../../src/agent/occtl.ts'
import type { Target } from '../../src/agent/order.ts'
import { Orders } from '../../src/agent/orders.ts'
import { FakeOcserv } from './fake-ocserv.ts'

function setUp() {
  const ocserv = new FakeOcserv()
  ocserv.tunnels = [
    { id: '11', session: 'one', user: 'alice' },
    { id: '12', session: 'two', user: 'alice' },
    { id: '13', session: 'three', user: 'bob', address: '198.51.100.7' },
  ]
  const orders = new Orders(new Occtl(ocserv.run))
  const end = (id: string, target: Target) => orders.take({ id, kind: 'end', target })
  const unban = (id: string, address: string) => orders.take({ id, kind: 'unban', target: { address } })
  return { ocserv, orders, end, unban }
}

test('ends the sessions that are meant, and says so when they are gone', async () => {
  const { ocserv, orders, end } = setUp()
  end('o1', { user: 'alice' })
  end('o2', { session: 'three' })
  end('o3', { address: '203.0.113.1' })
  await orders.work()
  expect(ocserv.changes()).toEqual(['disconnect id 11', 'disconnect id 12', 'disconnect id 13'])
  expect(orders.results()).toEqual([{ id: 'o3', outcome: 'absent', ended: [] }])
  expect(await orders.work()).toBeUndefined()
  expect(orders.results().slice(1)).toEqual([
    { id: 'o1', outcome: 'done', ended: ['one', 'two'] },
    { id: 'o2', outcome: 'done', ended: ['three'] },
  ])
})

test('terminates where occtl can, as that forgets the cookie', async () => {
  const { ocserv, orders, end } = setUp()
  ocserv.canTerminate = true
  end('o1', { session: 'one' })
  await orders.work()
  expect(ocserv.changes()).toEqual(['terminate id 11'])
})

test('does an order once, though it comes twice, and repeats its result', async () => {
  const { ocserv, orders, end } = setUp()
  const come = () => end('o1', { session: 'one' })
  come()
  come()
  await orders.work()
  come()
  await orders.work()
  const told = orders.results()
  expect(told).toEqual([{ id: 'o1', outcome: 'done', ended: ['one'] }])
  expect(orders.results(), 'until it is taken').toEqual(told)
  orders.taken(told)
  expect(orders.results()).toEqual([])
  // Another client of the same cookie: the order was done, and is not done again.
  ocserv.tunnels.push({ id: '99', session: 'one', user: 'alice' })
  come()
  await orders.work()
  expect(orders.results()).toEqual(told)
  expect(ocserv.changes()).toEqual(['disconnect id 11'])
})

test('stands while a cookie may bring the session back, and ends it again', async () => {
  const { ocserv, orders, end } = setUp()
  ocserv.keepsCookies = true
  end('o1', { session: 'one' })
  await orders.work()
  expect(await orders.work(), 'looks again by itself').toBeGreaterThan(0)
  expect(orders.results()).toEqual([])
  const [back] = ocserv.cookies.splice(0)
  if (back === undefined) throw new Error('no cookie')
  ocserv.tunnels.push({ ...back, id: '21' })
  await orders.work()
  expect(ocserv.changes()).toEqual(['disconnect id 11', 'disconnect id 21'])
  ocserv.cookies = []
  await orders.work()
  expect(orders.results()).toEqual([{ id: 'o1', outcome: 'done', ended: ['one'] }])
})

test('ends a session of a user again that comes back, and none that logs in after the order', async () => {
  const { ocserv, orders, end } = setUp()
  ocserv.keepsCookies = true
  end('o1', { user: 'bob' })
  await orders.work()
  ocserv.tunnels.push({ id: '31', session: 'later', user: 'bob' })
  await orders.work()
  expect(orders.results()).toEqual([{ id: 'o1', outcome: 'done', ended: ['three'] }])
  const [back] = ocserv.cookies.splice(0)
  if (back === undefined) throw new Error('no cookie')
  ocserv.tunnels.push({ ...back, id: '32' })
  expect(await orders.work(), 'looks again by itself').toBeGreaterThan(0)
  expect(ocserv.changes()).toEqual(['disconnect id 13', 'disconnect id 32'])
  end('o2', { user: 'bob' })
  await orders.work()
  expect(ocserv.changes().slice(2)).toEqual(['disconnect id 31'])
  ocserv.cookies = []
  await orders.work()
  expect(await orders.work(), 'until ocserv has forgotten them').toBeUndefined()
})

test('tells that ocserv does not end what it lists, but not of a session that ended by itself', async () => {
  const { ocserv, orders, end } = setUp()
  ocserv.isStubborn = true
  end('o1', { user: 'alice' })
  end('o2', { user: 'bob' })
  await orders.work()
  await orders.work()
  ocserv.tunnels = ocserv.tunnels.filter(({ user }) => user !== 'bob')
  await orders.work()
  expect(orders.results()).toEqual([
    { id: 'o1', outcome: 'failed', detail: 'ocserv does not end 2 of 2 sessions', ended: [] },
    { id: 'o2', outcome: 'absent', ended: [] },
  ])
})

test('removes a ban, written by its own formatter', async () => {
  const { ocserv, orders, unban } = setUp()
  ocserv.bans = ['192.0.2.2', '2001:db8::2']
  unban('o1', '192.0.2.2')
  unban('o2', '2001:DB8:0:0::2')
  unban('o3', '192.0.2.200')
  unban('o4', '192.0.2.2; reload')
  await orders.work()
  expect(ocserv.changes()).toEqual(['unban ip 192.0.2.2', 'unban ip 2001:db8::2'])
  expect(orders.results().map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
    'o1 done',
    'o2 done',
    'o3 absent',
    'o4 absent',
  ])
})

test('keeps orders while ocserv does not answer', async () => {
  const { ocserv } = setUp()
  let isAway = true
  const orders = new Orders(
    new Occtl(async (args) => {
      if (isAway) throw new Error('away')
      return ocserv.run(args)
    }),
  )
  orders.take({ id: 'o1', kind: 'end', target: { session: 'one' } })
  await expect(orders.work()).rejects.toThrow('away')
  isAway = false
  await orders.work()
  expect(ocserv.changes()).toEqual(['disconnect id 11'])
})
