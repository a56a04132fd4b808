import { systemRandom } from '../../src/domain/random.ts'
import { attemptLimits, tallyRules } from '../../src/limits/attempt-limits.ts'
import { memoryTally } from '../../src/limits/memory-tally.ts'
import { Run } from '../../src/limits/run.ts'
import { attemptLimitsContract } from './attempt-limits-contract.ts'

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
