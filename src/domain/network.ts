import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** A range of addresses in CIDR form, kept in a form that is quick to compare. */
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

/** @returns true where the text names bits beyond the prefix, as `10.1.0.0/8` does. */
export function hasHostBits(text: string): boolean {
  const network = parseNetwork(text)
  const address = parseAddress(text.split('/')[0] ?? '')
  return network !== undefined && address !== undefined && network.base.toString() !== address.toString()
}

/** Parses an address strictly; an IPv4-mapped IPv6 address becomes the IPv4 address that it stands for. */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  return ipaddr.process(text)
}

/** The one spelling of an address, for keys and comparisons; text that is no address is returned as it is. */
export function canonicalAddress(text: string): string {
  // Without a colon it is IPv4, of which only the one spelling is taken.
  return text.includes(':') ? (parseAddress(text)?.toString() ?? text) : text
}

/** The part of an IPv6 address that belongs to one customer: within it addresses cost nothing. */
const CUSTOMER_BITS = 64

/**
 * Whom guesses from an address are counted against: the address itself for IPv4, the /64 around it for IPv6, as
 * `2001:db8:1:2::/64`. What is neither, such a network among it, is returned as it is.
 */
export function customerNetwork(text: string): string {
  const address = text.includes(':') ? parseAddress(text) : undefined
  if (address === undefined) return text
  if (address.kind() === 'ipv4') return address.toString()
  return `${withoutHostBits(address, CUSTOMER_BITS).toString()}/${CUSTOMER_BITS}`
}

/** Reads what people look for: an address, or the network of a customer. @returns its one spelling. */
export function parsePlace(text: string): string | undefined {
  const address = parseAddress(text)
  if (address !== undefined) return address.toString()
  const network = parseNetwork(text)
  return network !== undefined && network.base.kind() === 'ipv6' && network.prefix === CUSTOMER_BITS
    ? network.text
    : undefined
}

export function contains(network: Network, address: Address): boolean {
  if (network.base.kind() !== address.kind()) return false
  return address.match(network.base as never, network.prefix)
}

/** Whether an address, given as text, lies in one of the networks; text that is no address lies in none. */
export function isWithin(networks: readonly Network[], address: string | undefined): boolean {
  const parsed = address === undefined ? undefined : parseAddress(address)
  return parsed !== undefined && networks.some((network) => contains(network, parsed))
}

/** @returns the value whose network holds the address and has the longest prefix. */
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

function withoutHostBits(address: Address, prefix: number): Address {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - index * 8))
    return byte & (0xff00 >> kept) & 0xff
  })
  return ipaddr.fromByteArray(bytes)
}
