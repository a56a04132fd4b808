import { expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { attemptLimits, tallyRules } from '../../src/limits/attempt-limits.ts'
import { memoryTally } from '../../src/limits/memory-tally.ts'
import { Run } from '../../src/limits/run.ts'
import { attemptLimitsContract, rulesOf } from './attempt-limits-contract.ts'

attemptLimitsContract('in memory', async () => {
  let now = 0
  const clock = { now: () => now, monotonic: () => now }
  return {
    limits(rules) {
      const limits = attemptLimits(memoryTally(tallyRules(rules), { clock }), new Run(systemRandom))
      return [limits, limits]
    },
    async passes(ms) {
      now += ms
    },
    async close() {},
  }
})

test.each([
  [2, { user: 5, after: 2, userAfter: 10 }],
  [6, { user: 2, after: 2, userAfter: 3 }],
])('of each of %i brokers that count alone are its part, and room for a whole login', (brokers, parts) => {
  const rules = rulesOf({ user: 10, after: 5, userAfter: 20, addressAfter: 1 })
  const { rates, budgets } = tallyRules(rules, brokers)
  expect(rates.user.points).toBe(parts.user)
  expect(budgets).toEqual({ user_address: parts.after, user: parts.userAfter, address: 1 })
})
