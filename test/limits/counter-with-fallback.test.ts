import { expect, test } from 'vitest'
import type { AttemptLimits, Permit } from '../../src/domain/attempt-limits.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { SharedAttemptCounter } from '../../src/limits/attempt-counter.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { withLocalFallback } from '../../src/limits/counter-with-fallback.ts'
import { memoryCounter } from '../../src/limits/memory-counter.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { NotAsked } from '../../src/redis/connection.ts'
import { RetryQueue } from '../../src/redis/retry-queue.ts'
import { recordedLog } from '../redis/connected.ts'

const AFTER = 3
const rate = { points: 1000, windowMs: 60_000 }
const RULES = counterRules({
  rates: { user: rate, address: rate, gateway: rate },
  lockout: { after: AFTER, userAfter: 100, addressAfter: 100, withinMs: 60_000 },
  inFlightMs: 60_000,
})
const SUBJECT = { user: 'alice', address: '198.51.100.1', gateway: 'gw' }

/** How the shared counter fails: before it counts, or after it has counted. */
type Outage = 'refuses' | 'loses the answer'

function fixture() {
  const clock = { now: () => 0, monotonic: () => 0 }
  const counter = memoryCounter(RULES, { clock })
  const state: { outage: Outage | undefined; asked: string[] } = { outage: undefined, asked: [] }
  async function through<T>(what: string, step: () => Promise<T>): Promise<T> {
    state.asked.push(what)
    if (state.outage === 'refuses') throw new NotAsked('redis', 'not connected')
    const answer = await step()
    if (state.outage !== undefined) throw new Unavailable('redis', 'no answer in time')
    return answer
  }
  const shared: SharedAttemptCounter = {
    take: (keys) => through('take', () => counter.take(keys)),
    refund: (keys, forgiven, rates) => through('refund', () => counter.refund(keys, forgiven, rates)),
    fail: (keys) => through('fail', () => counter.fail(keys)),
    forget: (keys, scopes) => through('forget', () => counter.forget(keys, scopes)),
    addTally: (key) => through('tally', () => counter.addTally(key)),
    endTally: (key) => through('tally', () => counter.endTally(key)),
    endProcesses: async () => {},
  }
  const queue = new RetryQueue({ maxAgeMs: 60_000, clock, intervalMs: 5 })
  const local = memoryCounter(RULES, { clock })
  const here = withLocalFallback({ shared, local, retries: queue, clock, log: recordedLog() })
  return {
    here: attemptLimits(here, new ProcessId(systemRandom)),
    /** Of another broker, for which the shared counter is always available. */
    there: attemptLimits(counter, new ProcessId(systemRandom)),
    queue,
    begins(outage: Outage) {
      state.outage = outage
      state.asked = []
    },
    async ends() {
      state.outage = undefined
      await expect.poll(() => queue.isEmpty).toBe(true)
    },
    asked: () => state.asked,
  }
}

async function permitOf(limits: AttemptLimits): Promise<Permit> {
  const answer = await limits.take(SUBJECT)
  return answer.kind === 'permit' ? answer : expect.unreachable(answer.kind)
}

async function roomOf(limits: AttemptLimits): Promise<number> {
  const answers = await Promise.all(Array.from({ length: 10 }, () => limits.take(SUBJECT)))
  const permits = answers.filter((answer) => answer.kind === 'permit')
  await Promise.all(permits.map((permit) => permit.refund()))
  return permits.length
}

test.each(['refuses', 'loses the answer'] as const)(
  'refunds that fail while the shared counter %s are replayed when it answers again',
  async (outage) => {
    const { here, there, begins, ends } = fixture()
    const taken = [await permitOf(here), await permitOf(here), await permitOf(here)]
    begins(outage)
    await taken[0]?.succeed()
    await taken[1]?.refund()
    await ends()
    expect(await roomOf(there)).toBe(AFTER - 1)
  },
)

test('an attempt that was counted although the answer was lost is refunded', async () => {
  const { here, there, begins, ends } = fixture()
  begins('loses the answer')
  const permit = await permitOf(here)
  await ends()
  expect(await roomOf(there)).toBe(AFTER)
  await permit.refund()
  expect(await roomOf(there)).toBe(AFTER)
})

test('attempts that never reached the shared counter leave nothing to replay', async () => {
  const { here, queue, begins, asked } = fixture()
  begins('refuses')
  for (let count = 0; count < 5; count++) await (await permitOf(here)).refund()
  expect(queue.isEmpty).toBe(true)
  expect(asked()).toEqual(['take', 'take', 'take', 'take', 'take'])
})

test('a guess that fails during the outage is not refunded', async () => {
  const { here, there, begins, ends } = fixture()
  const taken = await permitOf(here)
  begins('refuses')
  await taken.fail(async () => undefined)
  await ends()
  expect(await roomOf(there)).toBe(AFTER - 1)
})

test('failures of a user who succeeded, or was locked, are forgotten after the outage', async () => {
  const { here, there, begins, ends } = fixture()
  await (await permitOf(there)).fail(async () => undefined)
  const taken = await permitOf(here)
  begins('refuses')
  await taken.succeed()
  await ends()
  expect(await roomOf(there)).toBe(AFTER)

  for (let count = 1; count < AFTER; count++) await (await permitOf(there)).fail(async () => undefined)
  await (await permitOf(here)).fail(async (full) => {
    expect(full).toEqual(['user_address'])
    begins('refuses')
  })
  expect(await roomOf(there)).toBe(0)
  await ends()
  expect(await roomOf(there)).toBe(AFTER)
})
