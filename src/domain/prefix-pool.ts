import ipaddr from 'ipaddr.js'
import { contains, type Network, parseAddress } from './network.ts'

/** IPv6 prefixes of one length, which a pool gives to sessions out of a network. */
export interface PrefixPool {
  readonly network: Network
  /** Length of the prefix of each session; 128: an address. */
  readonly prefix: number
}

/** Addresses from the first to the last one, each as its 32 hexadecimal digits, whose order as text is theirs. */
export interface Range {
  readonly first: string
  readonly last: string
}

/** Each prefix is a row in the records, so a pool gives the first ones of its network, whatever its size. */
export const MAX_PREFIXES = 65_536

const BITS = 128
const ADDRESS = 128
/** ocserv takes a Framed-IPv6-Address as the /64 around it. */
const OCSERV_PREFIX = 64
/** The first address of a network is that of its routers (RFC 4291 §2.6.1); ocserv takes the second one for itself. */
const NETWORK_OWN = 2

/** The 32 hexadecimal digits of an IPv6 address; undefined for other text. */
export function digitsOf(address: string): string | undefined {
  const parsed = address.includes(':') ? parseAddress(address) : undefined
  return parsed?.kind() === 'ipv6' ? digits(numberOf(parsed)) : undefined
}

export function rangeOf({ base, prefix }: Network): Range {
  const first = numberOf(base)
  return { first: digits(first), last: digits(first + sizeOf(prefix) - 1n) }
}

/** The length of the prefix that a range is. */
export function prefixOf({ first, last }: Range): number {
  const size = BigInt(`0x${last}`) - BigInt(`0x${first}`)
  return size === 0n ? BITS : BITS - size.toString(2).length
}

export function haveCommon(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last
}

/** Prefixes that the pool gives, without its exclusions. */
export function countOf({ network, prefix }: PrefixPool): number {
  return Math.min(2 ** (prefix - network.prefix), MAX_PREFIXES)
}

/** The clients' addresses of all prefixes that can be given, in order. */
export function clientAddresses(pool: PrefixPool, exclude: readonly Network[]): readonly string[] {
  return Array.from(prefixesOf(pool, exclude), (first) => textOf(clientAddress(first, pool.prefix)))
}

/** Whether any prefix can be given. */
export function gives(pool: PrefixPool, exclude: readonly Network[]): boolean {
  return prefixesOf(pool, exclude).next().done !== true
}

/** The first address of each prefix that can be given. */
function* prefixesOf(pool: PrefixPool, exclude: readonly Network[]): Generator<bigint, undefined> {
  const taken = excludedRanges(exclude)
  const base = numberOf(pool.network.base)
  const size = sizeOf(pool.prefix)
  for (let place = firstPlace(pool); place < countOf(pool); place++) {
    const first = base + BigInt(place) * size
    if (taken.length === 0) yield first
    else {
      const range = { first: digits(first), last: digits(first + size - 1n) }
      if (!taken.some((each) => haveCommon(each, range))) yield first
    }
  }
}

/** As those of every prefix of the pool are; which ones it gives does not matter. */
export function someClientAddress({ network, prefix }: PrefixPool): string {
  const place = BigInt(firstPlace({ network, prefix }))
  return textOf(clientAddress(numberOf(network.base) + place * sizeOf(prefix), prefix))
}

/**
 * The prefix of the pool that an address lies in.
 * @returns undefined if the pool does not give it.
 */
export function prefixAround(
  pool: PrefixPool,
  exclude: readonly Network[],
  address: string,
): { readonly prefix: string; readonly client: string } | undefined {
  const parsed = parseAddress(address)
  if (parsed === undefined || !contains(pool.network, parsed)) return undefined
  const size = sizeOf(pool.prefix)
  const place = (numberOf(parsed) - numberOf(pool.network.base)) / size
  if (place < firstPlace(pool) || place >= countOf(pool)) return undefined
  const first = numberOf(pool.network.base) + place * size
  const range = { first: digits(first), last: digits(first + size - 1n) }
  if (excludedRanges(exclude).some((each) => haveCommon(each, range))) return undefined
  return {
    prefix: `${textOf(first)}/${pool.prefix}`,
    client: textOf(clientAddress(first, pool.prefix)),
  }
}

/**
 * What a reply says of a client's address in the pool beside the address itself (Delegated-IPv6-Prefix, RFC 4818): ocserv
 * takes the length from it. A user's own address in a prefix of another length than /64 is sent alone, because ocserv
 * would take the first address of the prefix for it.
 */
export function delegatedPrefix(pool: PrefixPool, address: string): string | undefined {
  const around = prefixAround(pool, [], address)
  if (around === undefined) return undefined
  return pool.prefix === OCSERV_PREFIX || around.client === address ? around.prefix : undefined
}

/** In a /64 the client's is the third address, as the first two are of others; ocserv gives the first of other prefixes. */
function clientAddress(first: bigint, prefix: number): bigint {
  return prefix === OCSERV_PREFIX ? first + BigInt(NETWORK_OWN) : first
}

function firstPlace({ prefix }: PrefixPool): number {
  return prefix === ADDRESS ? NETWORK_OWN : 0
}

function excludedRanges(exclude: readonly Network[]): readonly Range[] {
  return exclude.filter(({ base }) => base.kind() === 'ipv6').map(rangeOf)
}

function sizeOf(prefix: number): bigint {
  return 1n << BigInt(BITS - prefix)
}

function numberOf(address: Network['base']): bigint {
  return BigInt(`0x${Buffer.from(address.toByteArray()).toString('hex')}`)
}

function digits(number: bigint): string {
  return number.toString(16).padStart(BITS / 4, '0')
}

function textOf(number: bigint): string {
  return ipaddr.fromByteArray([...Buffer.from(digits(number), 'hex')]).toString()
}
