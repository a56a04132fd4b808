import { expect, test } from 'vitest'
import type { AttemptLimits, Permit } from '../../src/domain/limits.ts'
import { Unavailable } from '../../src/domain/person.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { attemptLimits, tallyRules } from '../../src/limits/attempt-limits.ts'
import { insuredTally } from '../../src/limits/insured-tally.ts'
import { memoryTally } from '../../src/limits/memory-tally.ts'
import { Owed } from '../../src/limits/owed.ts'
import { NotAsked } from '../../src/limits/redis-connection.ts'
import { Run } from '../../src/limits/run.ts'
import type { SharedTally } from '../../src/limits/tally.ts'
import { recordedLog } from './connected.ts'

const AFTER = 3
const rate = { points: 1000, windowMs: 60_000 }
const RULES = tallyRules({
  rates: { user: rate, address: rate, gateway: rate },
  lockout: { after: AFTER, userAfter: 100, addressAfter: 100, withinMs: 60_000 },
  heldMs: 60_000,
})
const SOMEBODY = { user: 'alice', address: '198.51.100.1', gateway: 'gw' }

/** How the shared tally fails: before it does anything, or so that it is done and nobody hears of it. */
type Outage = 'refuses' | 'loses the answer'

function insured() {
  const clock = { now: () => 0, monotonic: () => 0 }
  const kept = memoryTally(RULES, { clock })
  const state: { outage: Outage | undefined; asked: string[] } = { outage: undefined, asked: [] }
  async function through<T>(what: string, step: () => Promise<T>): Promise<T> {
    state.asked.push(what)
    if (state.outage === 'refuses') throw new NotAsked('redis', 'not connected')
    const answer = await step()
    if (state.outage !== undefined) throw new Unavailable('redis', 'no answer in time')
    return answer
  }
  const shared: SharedTally = {
    take: (counted) => through('take', () => kept.take(counted)),
    giveBack: (counted, forgiven, rates) =>
      through('giveBack', () => kept.giveBack(counted, forgiven, rates)),
    fail: (counted) => through('fail', () => kept.fail(counted)),
    forget: (counted, scopes) => through('forget', () => kept.forget(counted, scopes)),
    end: async () => {},
  }
  const owed = new Owed({ forMs: 60_000, clock, retryMs: 5 })
  const own = memoryTally(RULES, { clock })
  const here = insuredTally({ shared, own, owed, clock, log: recordedLog() })
  return {
    here: attemptLimits(here, new Run(systemRandom)),
    /** Of another broker, which can ask all the time. */
    there: attemptLimits(kept, new Run(systemRandom)),
    owed,
    begins(outage: Outage) {
      state.outage = outage
      state.asked = []
    },
    async ends() {
      state.outage = undefined
      await expect.poll(() => owed.isEmpty).toBe(true)
    },
    asked: () => state.asked,
  }
}

async function permitOf(limits: AttemptLimits): Promise<Permit> {
  const answer = await limits.take(SOMEBODY)
  return answer.kind === 'permit' ? answer : expect.unreachable(`limited by ${answer.by}`)
}

async function roomOf(limits: AttemptLimits): Promise<number> {
  const answers = await Promise.all(Array.from({ length: 10 }, () => limits.take(SOMEBODY)))
  const permits = answers.filter((answer) => answer.kind === 'permit')
  await Promise.all(permits.map((permit) => permit.withdrawn()))
  return permits.length
}

test.each(['refuses', 'loses the answer'] as const)(
  'what cannot be given back while the shared tally %s is given back when it answers again',
  async (outage) => {
    const { here, there, begins, ends } = insured()
    const taken = [await permitOf(here), await permitOf(here), await permitOf(here)]
    begins(outage)
    await taken[0]?.succeeded()
    await taken[1]?.withdrawn()
    await ends()
    expect(await roomOf(there)).toBe(AFTER - 1)
  },
)

test('what was counted though nobody heard of it is undone', async () => {
  const { here, there, begins, ends } = insured()
  begins('loses the answer')
  const permit = await permitOf(here)
  await ends()
  expect(await roomOf(there)).toBe(AFTER)
  await permit.withdrawn()
  expect(await roomOf(there)).toBe(AFTER)
})

test('a long outage leaves no debt for attempts that never reached the shared tally', async () => {
  const { here, owed, begins, asked } = insured()
  begins('refuses')
  for (let count = 0; count < 5; count++) await (await permitOf(here)).withdrawn()
  expect(owed.isEmpty).toBe(true)
  expect(asked()).toEqual(['take', 'take', 'take', 'take', 'take'])
})

test('a guess that fails meanwhile is given back to nobody', async () => {
  const { here, there, begins, ends } = insured()
  const taken = await permitOf(here)
  begins('refuses')
  await taken.failed(async () => undefined)
  await ends()
  expect(await roomOf(there)).toBe(AFTER - 1)
})

test('the failures of whoever got in, or was locked, are forgotten when that can be', async () => {
  const { here, there, begins, ends } = insured()
  await (await permitOf(there)).failed(async () => undefined)
  const taken = await permitOf(here)
  begins('refuses')
  await taken.succeeded()
  await ends()
  expect(await roomOf(there)).toBe(AFTER)

  for (let count = 1; count < AFTER; count++) await (await permitOf(there)).failed(async () => undefined)
  await (await permitOf(here)).failed(async (full) => {
    expect(full).toEqual(['user_address'])
    begins('refuses')
  })
  expect(await roomOf(there)).toBe(0)
  await ends()
  expect(await roomOf(there)).toBe(AFTER)
})
