import { type AddressPool, isNearlyFull, type LeaseStore } from '../domain/address-pool.ts'
import type { Check, Finding } from './finding.ts'

/** Whether the pools have addresses left for those who come. */
export function checkPools(pools: readonly AddressPool[], leases: Pick<LeaseStore, 'usage'>): Check {
  return async () => {
    const usage = await leases.usage()
    return pools.map(({ name }): Finding => {
      const about = `pool ${name}`
      const found = usage.find(({ pool }) => pool === name)
      if (found === undefined)
        return {
          ...{ about, level: 'warning', says: 'not in the records yet' },
          advice: 'it is made when a broker starts with this configuration',
        }
      const { size, held } = found
      const says = `sessions hold ${held} of ${size} addresses`
      if (!isNearlyFull(found)) return { about, level: 'good', says }
      return {
        ...{ about, level: held < size ? 'warning' : 'fault', says },
        advice: 'widen its network, or see whether every gateway sends accounting (acct in ocserv.conf)',
      }
    })
  }
}
