import ipaddr from 'ipaddr.js'
import type { AuditEvent } from './audit.ts'
import { contains, type Network, parseAddress } from './network.ts'
import { clientAddresses, type PrefixPool, prefixAround, type Range, rangeOf } from './prefix-pool.ts'

export type Family = 'ipv4' | 'ipv6'

/** VPN addresses that policies give to sessions, each to one at a time: of one family, or one of each family. */
export interface AddressPool {
  readonly name: string
  readonly ipv4?: Network
  readonly ipv6?: PrefixPool
  /** Parts of the networks that are never given. */
  readonly exclude: readonly Network[]
  /** Milliseconds that a session keeps its address without a report, after two missed reports. */
  readonly holdMs: number
}

/** Asks for an address that belongs to the session until it ends. */
export interface LeaseRequest {
  /** As `poolKey`. */
  readonly pool: string
  /** Of the lease; absent: any free one. */
  readonly address?: string
  /** `Session.staleAfterMs`. */
  readonly staleAfterMs: number
}

/** How many addresses a pool has, and how many of them sessions hold. */
export interface PoolUsage {
  readonly pool: string
  readonly family: Family
  readonly size: number
  readonly held: number
}

/** A pool's addresses of one family, in the order in which they are given for the first time. */
export interface PoolLayout {
  /** As `poolKey`. */
  readonly pool: string
  readonly addresses: readonly string[]
  /** IPv6: what the pool's network covers. */
  readonly within?: Range
}

/** An address of a pool and its holder. */
export interface Lease {
  /** IPv4, or the client's in an IPv6 prefix. */
  readonly address: string
  /** The IPv6 prefix. */
  readonly range?: Range
  /** As `poolKey`. Absent: it was removed from its pool and is deleted once it is free. */
  readonly pool?: string
  /** `Session.id` of the holder; absent: free. */
  readonly session?: string
  /** The last holder. */
  readonly subject?: string
  readonly gateway?: string
  /** Time of the session's last report, in wall milliseconds; absent until accounting names it. */
  readonly lastSeenAt?: number
  /** `Session.staleAfterMs`. */
  readonly staleAfterMs?: number
}

/** A lease that a session holds. */
export type HeldLease = Lease & { readonly session: string }

/** Every method may throw `Unavailable`. */
export interface LeaseStore {
  find(address: string): Promise<Lease | undefined>
  /** Ordered by addresses as text. `after`: the last of the previous page. */
  page(search: {
    readonly held?: boolean
    readonly after?: string
    readonly limit: number
  }): Promise<readonly Lease[]>
  /** Ordered by the pools' names. */
  usage(): Promise<readonly PoolUsage[]>
  /** Adds addresses that are missing. `place`: the position among the pool's addresses that were never given. */
  add(pool: string, addresses: readonly { readonly address: string; readonly place: number }[]): Promise<void>
  /** Moves addresses to a pool; without one they leave theirs, and free ones are deleted. */
  assign(addresses: readonly string[], pool?: string): Promise<void>
  /** Notes users' own IPv6 addresses that a broker of a version without IPv6 pools wrote. */
  reserve(): Promise<void>
  /**
   * Deletes addresses that left their pool and are free, and orders local users' static addresses after all others, so
   * that a login need not skip them.
   */
  tidy(): Promise<void>
  /** Frees leases unless a report has arrived meanwhile. @param at wall milliseconds. @returns how many were freed. */
  reap(dead: readonly HeldLease[], at: number): Promise<number>
  /** Frees an address by hand; IPv6: any address of the prefix. @returns its lease; undefined if there is no such address, or it is free. */
  release(address: string, event: AuditEvent): Promise<Lease | undefined>
}

/** Seconds between a gateway's reports, unless the policy says otherwise. */
export const DEFAULT_INTERIM = 300

/**
 * Milliseconds from a login to its first accounting record, at most. ocserv gives a login 240 s, and the Start follows
 * at once.
 */
export const STALE_MS = 10 * 60_000

/** Early enough to warn before logins fail. */
export function isNearlyFull({ size, held }: PoolUsage): boolean {
  return held >= size * 0.9
}

/**
 * What a pool's addresses of one family are called in the records: its name, for IPv6 with the length of the prefixes. No
 * name of a pool has a slash.
 */
export function poolKey(name: string, prefix?: number): string {
  return prefix === undefined ? name : `${name}/${prefix}`
}

/** The name and the family of a `poolKey`. */
export function poolOfKey(key: string): { readonly pool: string; readonly family: Family } {
  const [pool = '', prefix] = key.split('/')
  return { pool, family: prefix === undefined ? 'ipv4' : 'ipv6' }
}

/** The length of the prefixes; undefined for IPv4. */
export function prefixOfKey(key: string): number | undefined {
  const [, prefix] = key.split('/')
  return prefix === undefined ? undefined : Number(prefix)
}

/** For people: both families of a pool have its name. */
export function poolLabel({ pool, family }: Pick<PoolUsage, 'pool' | 'family'>): string {
  return family === 'ipv4' ? pool : `${pool} (IPv6)`
}

/** The netmask of an IPv4 network, dotted. */
export function netmaskOf(network: Network): string {
  return ipaddr.IPv4.subnetMaskFromPrefixLength(network.prefix).toString()
}

/** How long a client may be away; ocserv brings it back within 300 s, and notices its end up to 325 s later. */
export const DEFAULT_HOLD_MS = 15 * 60_000

/**
 * How long a session may send no report: two reports may be lost, and its client may be away for a while.
 * @param interim seconds.
 */
export function staleAfterMs(interim: number, holdMs = DEFAULT_HOLD_MS): number {
  return 2 * interim * 1000 + holdMs
}

/** The addresses that can be given, of each family that the pool has. */
export function layoutsOf({ name, ipv4, ipv6, exclude }: AddressPool): readonly PoolLayout[] {
  const layouts: PoolLayout[] = []
  if (ipv4 !== undefined) layouts.push({ pool: poolKey(name), addresses: ipv4Addresses(ipv4, exclude) })
  if (ipv6 !== undefined)
    layouts.push({
      pool: poolKey(name, ipv6.prefix),
      addresses: clientAddresses(ipv6, exclude),
      within: rangeOf(ipv6.network),
    })
  return layouts
}

/** All but the network address, the broadcast address and the second address, which ocserv takes for its own end of the tunnel. */
export function ipv4Addresses(network: Network, exclude: readonly Network[]): readonly string[] {
  const first = numberOf(network.base)
  const last = first + sizeOf(network) - 1
  const excluded = exclude
    .filter(({ base }) => base.kind() === 'ipv4')
    .map((each) => ({ from: numberOf(each.base), next: numberOf(each.base) + sizeOf(each) }))
    .sort((one, other) => one.from - other.from)
  const addresses: string[] = []
  let number = first + 2
  for (const { from, next } of [...excluded, { from: last, next: last }]) {
    for (; number < Math.min(from, last); number++) addresses.push(textOf(number))
    number = Math.max(number, next)
  }
  return addresses
}

/** An address as a pool can give it. */
export interface PlaceInPool {
  readonly pool: AddressPool
  readonly key: string
  /** Of the lease: the address itself, or the client's in the IPv6 prefix around it. */
  readonly address: string
}

/** @returns undefined if no pool can give the address. */
export function placeIn(pools: readonly AddressPool[], address: string): PlaceInPool | undefined {
  const parsed = parseAddress(address)
  if (parsed === undefined) return undefined
  for (const pool of pools) {
    const { name, ipv4, ipv6, exclude } = pool
    if (parsed.kind() === 'ipv4' && ipv4 !== undefined && givesIpv4(ipv4, exclude, parsed))
      return { pool, key: poolKey(name), address }
    const around = ipv6 && prefixAround(ipv6, exclude, address)
    if (around !== undefined) return { pool, key: poolKey(name, ipv6?.prefix), address: around.client }
  }
  return undefined
}

function givesIpv4(network: Network, exclude: readonly Network[], address: Network['base']): boolean {
  if (!contains(network, address) || exclude.some((excluded) => contains(excluded, address))) return false
  const place = numberOf(address) - numberOf(network.base)
  return place >= 2 && place < sizeOf(network) - 1
}

/** Addresses in an IPv4 network. */
export function sizeOf({ prefix }: Network): number {
  return 2 ** (32 - prefix)
}

function numberOf(address: Network['base']): number {
  return address.toByteArray().reduce((number, octet) => number * 256 + octet, 0)
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
}
