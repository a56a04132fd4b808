import { expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { type CountedPoints, memoryCounter } from '../../src/limits/memory-counter.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { attemptLimitsContract, newSubject, rulesOf } from './attempt-limits-contract.ts'

attemptLimitsContract('in memory', async () => {
  let now = 0
  const clock = { now: () => now, monotonic: () => now }
  return {
    limits(rules) {
      const limits = attemptLimits(memoryCounter(counterRules(rules), { clock }), new ProcessId(systemRandom))
      return [limits, limits]
    },
    async passes(ms) {
      now += ms
    },
    async close() {},
  }
})

test('a request is known for 30 s, also by the rules of a reload', async () => {
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const counted: CountedPoints = new Map()
  const take = async (after: number) => {
    const counter = memoryCounter(counterRules(rulesOf({ after })), { clock, counted })
    return (await attemptLimits(counter, new ProcessId(systemRandom)).take(newSubject(), 'request')).kind
  }
  expect(await take(5)).toBe('permit')
  time.now = 29_999
  expect(await take(5)).toBe('repeated')
  expect(await take(6)).toBe('repeated')
  time.now = 30_000
  expect(await take(6)).toBe('permit')
})

test.each([
  [2, { user: 5, known: 5, pair: 10, after: 2, userAfter: 10 }],
  [6, { user: 2, known: 1, pair: 3, after: 2, userAfter: 3 }],
])('each of %i brokers that count alone has its share, and room for a whole login', (brokers, parts) => {
  const rules = rulesOf({ user: 10, after: 5, userAfter: 20, addressAfter: 1 })
  const { rates, budgets } = counterRules(rules, brokers)
  expect(rates.user.points).toBe(parts.user)
  expect(rates.user_known.points).toBe(parts.known)
  expect(rates.user_address.points).toBe(parts.pair)
  const addresses = { address: 1, address_56: 4, address_48: 16 }
  expect(budgets).toEqual({ user_address: parts.after, user: parts.userAfter, ...addresses })
})
