import { neighbourhood, parseNetwork } from '../domain/network.ts'

/** The network that is stored beside an address, by which it is found with its neighbours. */
export function subnetOf(address: string | undefined): string | null {
  return (address === undefined ? undefined : neighbourhood(address)) ?? null
}

/** The column to search for an address or for a network. */
export function searchColumn(place: string): 'address' | 'network' {
  return place.includes('/') ? 'network' : 'address'
}

/** How rows within a network are found: those that have one of these texts, or look like one, and are of the addresses. */
export interface Within {
  readonly networks: readonly string[]
  /** For `like`. */
  readonly patterns: readonly string[]
  /** Where the network is smaller than those that are stored. */
  readonly addresses?: readonly string[]
}

/** @param place as `parseSearchedPlace` has it, with a slash. */
export function within(place: string): Within {
  const network = parseNetwork(place)
  if (network === undefined) return { networks: [place], patterns: [] }
  const octets = network.base.toByteArray()
  return network.base.kind() === 'ipv4'
    ? withinIpv4(place, octets, network.prefix)
    : withinIpv6(place, octets, network.prefix)
}

function withinIpv4(place: string, octets: readonly number[], prefix: number): Within {
  const [first = 0, second = 0, third = 0, fourth = 0] = octets
  const few = (from: number, bits: number) => Array.from({ length: 2 ** bits }, (_, index) => from + index)
  if (prefix > 24)
    return {
      networks: [`${first}.${second}.${third}.0/24`],
      patterns: [],
      addresses: [place, ...few(fourth, 32 - prefix).map((last) => `${first}.${second}.${third}.${last}`)],
    }
  const networks = [place]
  if (prefix > 16) {
    const all = few(third, 24 - prefix).map((each) => `${first}.${second}.${each}.0/24`)
    return { networks: [...new Set([...networks, ...all])], patterns: [] }
  }
  if (prefix > 8) return { networks, patterns: few(second, 16 - prefix).map((each) => `${first}.${each}.%`) }
  return { networks, patterns: [`${first}.%`] }
}

/**
 * The last four groups of a stored `/64` are the longest run of zeros, so all others are written out, and `::` stands
 * for those before it that are zero, too.
 */
function withinIpv6(place: string, octets: readonly number[], prefix: number): Within {
  const networks = [...new Set([place, place.replace(/\/\d+$/, '/64')])]
  if (prefix >= 64) return { networks, patterns: [] }
  const groups = [0, 2, 4, 6].map((at) => ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0))
  const whole = Math.floor(prefix / 16)
  const start = groups.slice(0, whole).map((group) => `${group.toString(16)}:`)
  const digits = (prefix % 16) / 4
  if (digits === 0) return { networks, patterns: [`${start.join('')}%/64`] }
  const open = 4 - digits
  const known = (groups[whole] ?? 0) >> (4 * open)
  const lengths = known === 0 ? Array.from({ length: open }, (_, index) => index + 1) : [open]
  const end = whole === 3 ? '::/64' : ':%/64'
  const head = start.join('') + (known === 0 ? '' : known.toString(16))
  return { networks, patterns: lengths.map((length) => head + '_'.repeat(length) + end) }
}
