import { expect, onTestFinished, test, vi } from 'vitest'
import { Broker } from '../../src/agent/broker.ts'
import type { Order } from '../../src/agent/order.ts'
import { hearOrders } from '../../src/agent/stream.ts'
import { Secret } from '../../src/domain/secret.ts'
import { type SmallBroker, startSmallBroker } from './small-broker.ts'

/** Hears a small broker until the stream is over. */
async function hear(options: Parameters<typeof startSmallBroker>[0] = {}) {
  const small = await startSmallBroker(options)
  onTestFinished(small.stop)
  const broker = new Broker({
    url: new URL(`http://127.0.0.1:${small.port}/vpn`),
    gateway: 'gw 1',
    token: async () => new Secret('the-token'),
  })
  onTestFinished(() => broker.close())
  const orders: Order[] = []
  const opened = vi.fn<(everyMs: number, version: string) => void>()
  const listener = { opened, ordered: (order: Order) => orders.push(order) }
  const over = hearOrders(broker, listener, new AbortController().signal).catch(
    (error: unknown) => error as Error,
  )
  return { small, orders, opened, over }
}

const untilOpen = (opened: { mock: { calls: unknown[] } }, small: SmallBroker) =>
  expect.poll(() => opened.mock.calls.length + small.requests.length).toBe(2)

test('asks as an agent with its token, and hears orders', async () => {
  const { small, orders, opened } = await hear({ hello: { protocol: 1, version: '9.9', report_every: 5 } })
  await untilOpen(opened, small)
  expect(opened).toHaveBeenCalledWith(5000, '9.9')
  expect(small.requests).toMatchObject([
    {
      method: 'GET',
      url: '/vpn/api/v1/gateways/gw%201/agent/orders',
      headers: { authorization: 'Bearer the-token', 'ocbroker-agent': '1', accept: 'text/event-stream' },
    },
  ])
  const [first, second, third] = [
    { id: 'a', kind: 'end', target: { session: 's' } },
    { id: 'b', kind: 'unban', target: { address: '192.0.2.1' } },
    { id: 'c', kind: 'end', target: { user: '张伟' } },
  ]
  for (const order of [
    first,
    { id: 'x', kind: 'reboot', target: {} },
    { id: 'y', kind: 'end' },
    second,
    third,
  ])
    small.send('order', order)
  await expect.poll(() => orders).toEqual([first, second, third])
})

test('is over when the broker says nothing for 45 s', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const { small, opened, over, orders } = await hear()
  while (opened.mock.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const heard = async (id: string) => {
    while (orders.at(-1)?.id !== id) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const id of ['a', 'b']) {
    vi.advanceTimersByTime(44_000)
    small.send('order', { id, kind: 'end', target: { session: 's' } })
    const isOver = await Promise.race([over, heard(id)])
    expect(isOver, 'what is sent in time keeps it open').toBeUndefined()
  }
  vi.advanceTimersByTime(46_000)
  expect((await over).message).toBe('broker: the stream is lost: the broker was silent for 45 s')
})

test('is over when the broker sends a line without end, or closes it', async () => {
  const { small, opened, over } = await hear()
  await untilOpen(opened, small)
  small.send('order', 'x'.repeat(100_000))
  expect((await over).message).toBe('broker: the stream is lost: the broker sent a line that is too long')
  const other = await hear()
  await untilOpen(other.opened, other.small)
  await other.small.stop().catch(() => undefined)
  expect((await other.over).name).toBe('Unavailable')
})

test('is refused for good by another version', async () => {
  const { over } = await hear({ hello: { protocol: 2, version: '9.9' } })
  expect(await over).toMatchObject({ exitCode: 5, message: expect.stringContaining('version 2') })
})

test('is refused for good when the token is revoked', async () => {
  const { small, opened, over } = await hear()
  await untilOpen(opened, small)
  small.send('refused', { detail: 'The token was revoked.' })
  expect(await over).toMatchObject({
    exitCode: 3,
    message: expect.stringContaining('The token was revoked.'),
  })
})
