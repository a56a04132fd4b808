import { requestLimits } from '../../src/limits/request-limits.ts'
import { requestLimitsContract } from './request-limits-contract.ts'

requestLimitsContract('in memory', (rates) => {
  const limits = requestLimits(rates)
  return [limits, limits]
})
