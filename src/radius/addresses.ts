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
 * `address/length` as RFC 3162 §2.3 codes it; undefined where the text is not one, or has a bit set past the
 * length. All sixteen octets are written, which the RFC allows, for readers that expect a fixed size.
 */
export function ipv6PrefixOctets(text: string): Buffer | undefined {
  const [, address = '', bits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const octets = ipv6Octets(address)
  const length = Number(bits)
  if (octets === undefined || length > IPV6_BITS || hasBitsPast(octets, length)) return undefined
  return Buffer.concat([Buffer.from([0, length]), octets])
}

function hasBitsPast(octets: Buffer, length: number): boolean {
  return octets.some((octet, at) => {
    const kept = Math.min(8, Math.max(0, length - at * 8))
    return (octet & (0xff >> kept)) !== 0
  })
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
