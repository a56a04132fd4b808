import { expect, onTestFinished, test, vi } from 'vitest'
import { Unavailable } from '../../src/domain/person.ts'
import { LeaseReaping } from '../../src/store/lease-reaping.ts'

const EVERY_MS = 60_000

/** @param held at each round; undefined where the records are away. */
function reaping(held: readonly (number | undefined)[]) {
  vi.useFakeTimers()
  const time = { wall: 0, monotonic: 0 }
  const [watched, told, gauges]: [number[], string[], unknown[]] = [[], [], []]
  let round = -1
  const running = LeaseReaping.start({
    leases: {
      async reap(_, watchedMs) {
        round++
        if (held[round] === undefined) throw new Unavailable('storage', 'away')
        watched.push(watchedMs)
        return round === 0 ? 3 : 0
      },
      usage: async () => [{ pool: 'staff', size: 10, held: held[round] ?? 0 }],
    },
    clock: { now: () => time.wall, monotonic: () => time.monotonic },
    log: { debug() {}, info: (event) => told.push(event), warn: (event) => told.push(event), error() {} },
    metrics: { pool: (...gauge) => gauges.push(gauge) },
    everyMs: EVERY_MS,
  })
  onTestFinished(async () => {
    vi.useRealTimers()
    await running.stop()
  })
  const pass = async (rounds: number) => {
    for (let done = 0; done < rounds; done++) {
      time.wall += EVERY_MS
      time.monotonic += EVERY_MS
      await vi.advanceTimersByTimeAsync(EVERY_MS)
    }
  }
  return { time, watched, told, gauges, pass }
}

test('sessions are judged by how long they could be heard: since the start, an outage, or a step of the clock', async () => {
  const { watched, time, pass } = reaping([1, 1, undefined, 1, 1, 1])
  await pass(5)
  expect(watched).toEqual([EVERY_MS, 2 * EVERY_MS, EVERY_MS, 2 * EVERY_MS])
  time.wall += 3_600_000
  await pass(1)
  expect(watched.at(-1)).toBe(0)
})

test('how full a pool is stands in the metrics, and in the log before it is full', async () => {
  const { told, gauges, pass } = reaping([8, 9, 10, 8, 9])
  await pass(1)
  expect([told, gauges]).toEqual([['leases.reaped'], [['staff', 10, 8]]])
  await pass(4)
  expect(told.slice(1)).toEqual(['pool.nearly_full', 'pool.nearly_full'])
})
