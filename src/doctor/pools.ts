import { type AddressPool, isNearlyFull, type LeaseStore, poolLabel } from '../domain/address-pool.ts'
import { type Check, type Finding, fault, ok, warning } from './finding.ts'

/** Whether the pools have free addresses, of each family. */
export function checkPools(pools: readonly AddressPool[], leases: Pick<LeaseStore, 'usage'>): Check {
  return async () => {
    const usage = await leases.usage()
    const families = pools.flatMap((pool) =>
      FAMILIES.filter((family) => pool[family] !== undefined).map((family) => ({ pool: pool.name, family })),
    )
    return families.map(({ pool, family }): Finding => {
      const about = `pool ${poolLabel({ pool, family })}`
      const found = usage.find((each) => each.pool === pool && each.family === family)
      if (found === undefined)
        return warning(
          about,
          'not in the records yet',
          'it is made when a broker starts with this configuration',
        )
      const { size, held } = found
      const says = `sessions hold ${held} of ${size} ${family === 'ipv4' ? 'addresses' : 'prefixes'}`
      if (!isNearlyFull(found)) return ok(about, says)
      const advice = 'widen its network, or check that every gateway sends accounting (acct in ocserv.conf)'
      return held < size ? warning(about, says, advice) : fault(about, says, advice)
    })
  }
}

const FAMILIES = ['ipv4', 'ipv6'] as const
