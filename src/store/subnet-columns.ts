import { customerNetwork, isWiderNetwork, parseNetwork } from '../domain/network.ts'

/** The network that is stored beside an IPv6 address; null for IPv4, whose address is enough. */
export function subnetOf(address: string | undefined): string | null {
  const network = address === undefined ? undefined : customerNetwork(address)
  return network !== undefined && isNetwork(network) ? network : null
}

/** The column to search for an address or for a customer's network. */
export function searchColumn(place: string): 'address' | 'network' {
  return isNetwork(place) ? 'network' : 'address'
}

function isNetwork(place: string): boolean {
  return place.includes('/')
}

/**
 * What the stored `/64` networks of a wider one look like, for `like`; none for other text. Their last four groups are
 * the longest run of zeros, so all others are written out, and `::` stands for a fourth group of zero, too.
 */
export function networkPatterns(place: string): readonly string[] {
  const network = isWiderNetwork(place) ? parseNetwork(place) : undefined
  if (network === undefined) return []
  const [first = 0, second = 0, third = 0, fourth = 0] = groupsOf(network.base.toByteArray())
  const start = [first, second, third].map((group) => group.toString(16)).join(':')
  const zero = place.replace(/\/\d+$/, '/64')
  if (network.prefix === 48) return [`${start}:%::/64`, zero]
  const high = (fourth >> 8).toString(16)
  return high === '0' ? [`${start}:_::/64`, `${start}:__::/64`, zero] : [`${start}:${high}__::/64`]
}

function groupsOf(octets: readonly number[]): readonly number[] {
  return [0, 2, 4, 6].map((at) => ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0))
}
