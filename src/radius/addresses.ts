import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

const IPV6_BITS = 128
const IPV6_OCTETS = 16
/** A reserved octet and the prefix length precede the prefix itself. */
const PREFIX_AT = 2

/** The four octets of an address in dotted decimal; undefined where the text is not one. */
export function ipv4Octets(text: string): Buffer | undefined {
  return isIPv4(text) ? Buffer.from(ipaddr.IPv4.parse(text).toByteArray()) : undefined
}

/** The sixteen octets of an IPv6 address without a zone; undefined where the text is not one. */
export function ipv6Octets(text: string): Buffer | undefined {
  return isIPv6(text) && !text.includes('%') ? Buffer.from(ipaddr.IPv6.parse(text).toByteArray()) : undefined
}

/**
 * `address/length` in the shortest form: the octets that hold bits of the prefix, without bits past it (RFC 8044 §3.10).
 * Undefined where the text is not one.
 */
export function ipv6PrefixOctets(text: string): Buffer | undefined {
  const [, address = '', bits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const octets = ipv6Octets(address)
  const length = Number(bits)
  if (octets === undefined || length > IPV6_BITS) return undefined
  const kept = octets.subarray(0, Math.ceil(length / 8))
  const past = kept.length * 8 - length
  const last = kept.at(-1)
  if (last !== undefined) kept[kept.length - 1] = last & (0xff << past)
  return Buffer.concat([Buffer.from([0, length]), kept])
}

/** An address of four or sixteen octets as text, IPv6 as RFC 5952 writes it; undefined for another length. */
export function addressText(octets: Buffer): string | undefined {
  if (octets.length === 4) return octets.join('.')
  return octets.length === IPV6_OCTETS ? new ipaddr.IPv6([...octets]).toRFC5952String() : undefined
}

/** A prefix coded as RFC 3162 §2.3 says, octets at its end left out or not; undefined where it is not one. */
export function ipv6PrefixText(octets: Buffer): string | undefined {
  const length = octets[1]
  if (length === undefined || length > IPV6_BITS || octets.length > PREFIX_AT + IPV6_OCTETS) return undefined
  const address = Buffer.alloc(IPV6_OCTETS)
  address.set(octets.subarray(PREFIX_AT))
  return `${addressText(address)}/${length}`
}
