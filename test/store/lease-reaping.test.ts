import { expect, onTestFinished, test, vi } from 'vitest'
import type { HeldLease } from '../../src/domain/address-pool.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { LeaseReaping } from '../../src/store/lease-reaping.ts'

const EVERY_MS = 60_000

interface Round {
  /** Addresses of the pool that sessions have; undefined where the records are away. */
  readonly held: number | undefined
  readonly leases?: readonly HeldLease[]
}

function reaping(roundOf: (round: number) => Round) {
  vi.useFakeTimers()
  const time = { monotonic: 0 }
  const [reaped, logged]: [string[], string[]] = [[], []]
  let round = -1
  const running = LeaseReaping.start({
    leases: {
      async page({ after }) {
        if (after === undefined) round++
        const { held, leases = [] } = roundOf(round)
        if (held === undefined) throw new Unavailable('storage', 'away')
        return leases
      },
      async reap(dead) {
        reaped.push(...dead.map(({ session }) => session))
        return dead.length
      },
      tidy: async () => {},
      usage: async () => [{ pool: 'staff', family: 'ipv4', size: 10, held: roundOf(round).held ?? 0 }],
    },
    clock: { now: () => 0, monotonic: () => time.monotonic },
    log: { debug() {}, info: (event) => logged.push(event), warn: (event) => logged.push(event), error() {} },
    everyMs: EVERY_MS,
  })
  onTestFinished(async () => {
    vi.useRealTimers()
    await running.stop()
  })
  const pass = async (rounds: number) => {
    for (let done = 0; done < rounds; done++) {
      time.monotonic += EVERY_MS
      await vi.advanceTimersByTimeAsync(EVERY_MS)
    }
  }
  return { reaped, logged, pass }
}

const QUIET = { address: 'a', session: 'quiet', gateway: 'gw1', lastSeenAt: 1, staleAfterMs: 5 * EVERY_MS }

function leasesAt(round: number): readonly HeldLease[] {
  return [QUIET, { ...QUIET, address: 'b', session: 'alive', lastSeenAt: round }]
}

test('what is dead is freed', async () => {
  const { reaped, logged, pass } = reaping((round) => ({ held: 2, leases: leasesAt(round) }))
  await pass(7)
  expect(reaped).toEqual([])
  await pass(1)
  expect([reaped, logged]).toEqual([['quiet'], ['leases.reaped']])
})

test('while the records are unavailable no report arrives, and the detector is reset', async () => {
  const { reaped, logged, pass } = reaping((round) => ({
    held: round === 5 ? undefined : 2,
    leases: leasesAt(round),
  }))
  await pass(13)
  expect([reaped, logged]).toEqual([[], ['leases.not_reaped']])
  await pass(1)
  expect(reaped).toEqual(['quiet'])
})

test('a pool that is nearly full stands in the log, each time that it becomes so', async () => {
  const { logged, pass } = reaping((round) => ({ held: [8, 9, 10, 8, 9][round] }))
  await pass(1)
  expect(logged).toEqual([])
  await pass(4)
  expect(logged).toEqual(['pool.nearly_full', 'pool.nearly_full'])
})
