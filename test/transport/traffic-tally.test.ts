import { expect, onTestFinished, test, vi } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Traffic } from '../../src/domain/traffic.ts'
import { type Seen, TrafficTally } from '../../src/transport/traffic-tally.ts'

/** A tally that looks every ten milliseconds, and what it has written. */
function started(add: (traffic: readonly Traffic[]) => Promise<void> = async () => {}) {
  const written: (readonly Traffic[])[] = []
  const warned = vi.fn()
  const time = { now: 1000 }
  const tally = TrafficTally.start({
    store: {
      async add(traffic) {
        await add(traffic)
        written.push(traffic)
      },
      list: async () => [],
    },
    clock: { now: () => time.now, monotonic: () => time.now },
    log: { debug() {}, info() {}, error() {}, warn: warned },
    everyMs: 10,
  })
  onTestFinished(() => tally.stop())
  return { tally, written, warned, time }
}

const seen = (more: Partial<Seen> = {}): Seen => ({
  source: '192.0.2.1',
  gateway: 'gw',
  kind: 'login',
  outcome: 'bad_message_authenticator',
  ...more,
})

test('what is counted is written as one sum, and once', async () => {
  const { tally, written, time } = started()
  tally.note(seen())
  time.now = 1500
  tally.note(seen({ detail: 'x'.repeat(500) }))
  tally.note(seen({ outcome: 'taken' }))
  await expect.poll(() => written).toHaveLength(1)
  expect(written[0]).toEqual([
    seenSum({ outcome: 'taken', count: 1, firstAt: 1500 }),
    seenSum({ count: 2, firstAt: 1000, detail: 'x'.repeat(200) }),
  ])
  await tally.stop()
  expect(written).toHaveLength(1)

  function seenSum(more: Partial<Traffic>) {
    return { ...seen(), lastAt: 1500, ...more }
  }
})

test('a flood of forged sources takes bounded room, and none from the gateways', async () => {
  const { tally, written } = started()
  for (let index = 0; index < 10_000; index++) {
    tally.note(seen({ source: `forged ${index}`, gateway: undefined, outcome: 'unknown_gateway' }))
    tally.note(seen({ source: `forged ${index}` }))
  }
  tally.note(seen({ outcome: 'taken' }))
  await tally.stop()
  expect(written.flat().length).toBeLessThan(700)
  expect(written.flat()).toContainEqual(expect.objectContaining({ outcome: 'taken' }))
})

test('records that are away lose counts and nothing else, and a log line says so', async () => {
  const { tally, warned } = started(() => Promise.reject(new Unavailable('storage', 'gone')))
  tally.note(seen())
  await expect.poll(() => warned.mock.calls).toHaveLength(1)
  tally.note(seen())
  await tally.stop()
  expect(warned.mock.calls.map(([event]) => event)).toEqual(['traffic.not_recorded'])
})
