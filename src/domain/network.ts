import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** A range of addresses, parsed for quick comparison. */
export interface Network {
  readonly base: Address
  readonly prefix: number
  /** Canonical text, host bits cleared: `10.0.0.0/8`. */
  readonly text: string
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a bare address (a network of one). @returns undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [host = '', bits, ...rest] = text.split('/')
  const address = parseAddress(host)
  if (address === undefined || rest.length > 0) return undefined
  const width = address.kind() === 'ipv4' ? 32 : 128
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return undefined
  const prefix = bits === undefined ? width : Number(bits)
  if (prefix > width) return undefined
  const base = withoutHostBits(address, prefix)
  return { base, prefix, text: `${base.toString()}/${prefix}` }
}

/** Whether bits are set after the prefix, as in `10.1.0.0/8`. */
export function hasHostBits(text: string): boolean {
  const network = parseNetwork(text)
  const address = parseAddress(text.split('/')[0] ?? '')
  return network !== undefined && address !== undefined && network.base.toString() !== address.toString()
}

/** Parses an address strictly; an IPv4-mapped IPv6 address becomes the IPv4 address. */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  return ipaddr.process(text)
}

/** Ranges of which no client can have an address, as ipaddr.js calls them. */
const UNUSABLE = new Set(['unspecified', 'loopback', 'multicast', 'broadcast', 'linkLocal'])
/** RFC 1112 §4. */
const FUTURE_USE = parseNetwork('240.0.0.0/4')

/**
 * Why no VPN client can have this address; undefined for one that it can have.
 * @param pools networks whose first and last IPv4 address are the network's own.
 */
export function clientAddressFault(
  text: string,
  kind: 'ipv4' | 'ipv6',
  pools: readonly Network[],
): string | undefined {
  const address = parseAddress(text)
  if (address === undefined || address.kind() !== kind)
    return `"${text}" is no ${kind === 'ipv4' ? 'IPv4' : 'IPv6'} address`
  const range = address.range()
  const isOfNobody = UNUSABLE.has(range) || (FUTURE_USE !== undefined && contains(FUTURE_USE, address))
  if (isOfNobody) return `no client can have ${address} (${range})`
  const own = pools.find((pool) => contains(pool, address) && isOwnOf(pool, address))
  return own && `${address} is the network or broadcast address of ${own.text}`
}

function isOwnOf({ base, prefix }: Network, address: Address): boolean {
  if (base.kind() !== 'ipv4' || prefix > 30) return false
  const hosts = address.toByteArray().reduce((bits, byte) => bits * 256 + byte, 0) % 2 ** (32 - prefix)
  return hosts === 0 || hosts === 2 ** (32 - prefix) - 1
}

/** The canonical spelling of an address, for keys and comparisons; other text is returned unchanged. */
export function canonicalAddress(text: string): string {
  // Without a colon it is IPv4, of which only one spelling is accepted.
  return text.includes(':') ? (parseAddress(text)?.toString() ?? text) : text
}

/** `192.0.2.1:443`, `[2001:db8::1]` and `[2001:db8::1]:443`. */
const WITH_PORT = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/
/** Twelve hexadecimal digits in pairs or in fours, perhaps with the name of a radio network (RFC 3580 §3.21). */
const MAC =
  /^(?:[0-9a-f]{2}([-:.]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?::.*)?$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$|^[0-9a-f]{12}$/i

/**
 * The user's own address as a gateway writes it (Calling-Station-Id): in its canonical spelling, without a port or
 * brackets; a MAC address as `00:11:22:33:44:55`; other text unchanged.
 */
export function stationAddress(text: string): string {
  const [, inBrackets, ipv4] = WITH_PORT.exec(text) ?? []
  const bare = parseAddress(inBrackets ?? ipv4 ?? text)
  if (bare !== undefined) return bare.toString()
  if (!MAC.test(text)) return text
  return (text.replaceAll(/[-:.]/g, '').slice(0, 12).toLowerCase().match(/../g) ?? []).join(':')
}

/** One IPv6 customer gets a /64, with any number of addresses in it. */
const CUSTOMER_BITS = 64

/**
 * The key that guesses from an address count under: an IPv4 address itself, the /64 around an IPv6 address
 * (`2001:db8:1:2::/64`). Other text is returned unchanged.
 */
export function customerNetwork(text: string): string {
  const address = text.includes(':') ? parseAddress(text) : undefined
  if (address === undefined) return text
  if (address.kind() === 'ipv4') return address.toString()
  return `${withoutHostBits(address, CUSTOMER_BITS).toString()}/${CUSTOMER_BITS}`
}

/**
 * One IPv6 customer may also get a wider network, and with a /48 holds 65,536 of the narrow ones. So the wider ones have
 * limits of their own, each `times` as large, because many customers may share one.
 */
export const WIDER_NETWORKS = [
  { bits: 56, times: 4 },
  { bits: 48, times: 16 },
] as const

export type WiderBits = (typeof WIDER_NETWORKS)[number]['bits']

/** The wider network around an IPv6 address or its `customerNetwork`; undefined for other text. */
export function widerNetwork(text: string, bits: WiderBits): string | undefined {
  const base = text.includes(':') ? parseNetwork(text)?.base : undefined
  return base?.kind() === 'ipv6' ? `${withoutHostBits(base, bits).toString()}/${bits}` : undefined
}

/** The keys under which lockouts may name an address: its `customerNetwork`, and the wider ones if it is IPv6. */
export function networksAround(text: string): readonly string[] {
  return [customerNetwork(text), ...WIDER_NETWORKS.flatMap(({ bits }) => widerNetwork(text, bits) ?? [])]
}

/** Attackers have neighbouring IPv4 addresses; a provider gives its customers no less than this. */
const NEIGHBOUR_BITS = 24

/**
 * The network by which attempts are grouped: the /24 around an IPv4 address, the `customerNetwork` of an IPv6 one. A
 * network is its own; undefined for other text.
 */
export function neighbourhood(text: string): string | undefined {
  if (text.includes('/')) return text
  const address = parseAddress(text)
  if (address === undefined) return undefined
  const bits = address.kind() === 'ipv4' ? NEIGHBOUR_BITS : CUSTOMER_BITS
  return `${withoutHostBits(address, bits).toString()}/${bits}`
}

/** The keys under which lockouts may name an address: `networksAround` it, and for IPv4 the /24, if locked manually. */
export function lockableAround(text: string): readonly string[] {
  const network = text.includes(':') || text.includes('/') ? undefined : neighbourhood(text)
  return network === undefined ? networksAround(text) : [text, network]
}

/** Whether the text is a wider network, which several customers may share. */
export function isWiderNetwork(text: string): boolean {
  return WIDER_NETWORKS.some(({ bits }) => text.endsWith(`/${bits}`))
}

/** Reads an address or a network of `lockableAround`. @returns its canonical spelling. */
export function parsePlace(text: string): string | undefined {
  const address = parseAddress(text)
  if (address !== undefined) return address.toString()
  const network = parseNetwork(text)
  if (network?.base.kind() === 'ipv4') return network.prefix === NEIGHBOUR_BITS ? network.text : undefined
  if (network === undefined) return undefined
  return network.prefix === CUSTOMER_BITS || isWiderNetwork(network.text) ? network.text : undefined
}

/** Wider networks are no answer to a question. */
const WIDEST = { ipv4: 8, ipv6: 16 }
const NIBBLE = 4

/**
 * Reads an address or a network that somebody searches for: any from /8 of IPv4, and of IPv6 those from /16 to /64 that
 * end with a hexadecimal digit. @returns its canonical spelling; a network of one address is that address.
 */
export function parseSearchedPlace(text: string): string | undefined {
  const network = parseNetwork(text)
  if (network === undefined) return undefined
  const { base, prefix } = network
  const kind = base.kind()
  if (prefix === (kind === 'ipv4' ? 32 : 128)) return base.toString()
  if (prefix < WIDEST[kind]) return undefined
  return kind === 'ipv4' || (prefix <= CUSTOMER_BITS && prefix % NIBBLE === 0) ? network.text : undefined
}

export function contains(network: Network, address: Address): boolean {
  if (network.base.kind() !== address.kind()) return false
  return address.match(network.base as never, network.prefix)
}

/** Whether an address lies in one of the networks; text that is not an address lies in none. */
export function isWithin(networks: readonly Network[], address: string | undefined): boolean {
  const parsed = address === undefined || networks.length === 0 ? undefined : parseAddress(address)
  return parsed !== undefined && networks.some((network) => contains(network, parsed))
}

/** The candidate whose network contains the address and has the longest prefix. */
export function longestMatch<T extends { readonly network: Network }>(
  candidates: readonly T[],
  address: Address,
): T | undefined {
  let best: T | undefined
  for (const candidate of candidates) {
    if (best !== undefined && candidate.network.prefix <= best.network.prefix) continue
    if (contains(candidate.network, address)) best = candidate
  }
  return best
}

export const LOOPBACK: readonly Network[] = ['127.0.0.0/8', '::1'].flatMap((text) => parseNetwork(text) ?? [])

function withoutHostBits(address: Address, prefix: number): Address {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - index * 8))
    return byte & (0xff00 >> kept) & 0xff
  })
  return ipaddr.fromByteArray(bytes)
}
