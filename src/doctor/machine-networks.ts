import type { NetworkInterfaceInfo } from 'node:os'
import type { AddressPool } from '../domain/address-pool.ts'
import { placeIn } from '../domain/address-pool.ts'
import { contains, type Network, parseNetwork } from '../domain/network.ts'
import { type Check, type Finding, ok, warning } from './finding.ts'

type Interfaces = NodeJS.Dict<readonly Pick<NetworkInterfaceInfo, 'address' | 'cidr' | 'internal'>[]>

/** Of tunnels, whose addresses come from pools. */
const TUNNEL = /^(?:vpns|tun|ppp|wg)/

/**
 * Whether pools lie apart from the networks of this machine.
 * @param interfaces as `os.networkInterfaces` has them.
 */
export function checkMachineNetworks(pools: readonly AddressPool[], interfaces: () => Interfaces): Check {
  return async () => {
    const own = Object.entries(interfaces()).flatMap(([name, addresses = []]) =>
      TUNNEL.test(name)
        ? []
        : addresses.filter(({ internal }) => !internal).map((each) => ({ name, ...each })),
    )
    const findings = pools.flatMap((pool): Finding[] => {
      const clash = own.find(({ cidr }) => overlaps(pool, cidr === null ? undefined : parseNetwork(cidr)))
      if (clash === undefined) return []
      const isOwn = placeIn([pool], clash.address) !== undefined
      const says = isOwn ? 'a user may get this machine’s address' : 'users may get addresses that are in use'
      return [
        warning(
          `pool ${pool.name}`,
          `overlaps ${clash.cidr} of ${clash.name} on this machine: ${says}`,
          'give the pool a network of its own, or exclude what is in use',
        ),
      ]
    })
    return findings.length > 0 ? findings : [ok('networks of this machine', 'lie apart from the pools')]
  }
}

function overlaps({ ipv4, ipv6, exclude }: AddressPool, network: Network | undefined): boolean {
  if (network === undefined) return false
  const shared = [ipv4, ipv6?.network].some(
    (own) => own !== undefined && (contains(own, network.base) || contains(network, own.base)),
  )
  return shared && !exclude.some((each) => each.prefix <= network.prefix && contains(each, network.base))
}
