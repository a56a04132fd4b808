import { contains, type Network } from '../../domain/network.ts'
import { ValueError } from '../../schema/config-error.ts'
import { readNetwork } from '../../schema/scalars.ts'

/** Each address is a row in the database. */
const MIN_PREFIX = 16
/** Leaves one address to give. */
const MAX_PREFIX = 30

/** By ipaddr.js' names; without loopback, multicast and 0.0.0.0, which means the gateway's own choice. */
const USABLE_RANGES: ReadonlySet<string> = new Set(['unicast', 'private', 'carrierGradeNat'])
/** The networks for documentation are `reserved`. */
const USABLE_IPV6_RANGES: ReadonlySet<string> = new Set(['unicast', 'uniqueLocal', 'reserved'])

export function readIpv4Pool(text: string): Network | ValueError {
  const read = readNetwork(text)
  if (read instanceof ValueError) return read
  if (read.base.kind() !== 'ipv4') return new ValueError(`${text} is not IPv4`, 'write 10.8.0.0/22, say')
  if (!USABLE_RANGES.has(read.base.range()))
    return new ValueError(`${text} is not a network for users`, 'write 10.8.0.0/22, say')
  if (read.prefix < MIN_PREFIX)
    return new ValueError(`${text} is too large for a pool`, `write a /${MIN_PREFIX}, or several pools`)
  if (read.prefix > MAX_PREFIX)
    return new ValueError(
      `${text} leaves no address for users`,
      'the network, the broadcast and the gateway’s own address are never given: write a /24, say',
    )
  return read
}

export function readIpv6Pool(text: string): Network | ValueError {
  const read = readNetwork(text)
  if (read instanceof ValueError) return read
  if (read.base.kind() !== 'ipv6') return new ValueError(`${text} is not IPv6`, 'write 2001:db8:1::/48, say')
  if (!USABLE_IPV6_RANGES.has(read.base.range()))
    return new ValueError(`${text} is not a network for users`, 'write one of yours, or one in fd00::/8')
  return read
}

/** Whether two networks have addresses in common. */
export function overlap(one: Network, other: Network): boolean {
  return contains(one, other.base) || contains(other, one.base)
}
