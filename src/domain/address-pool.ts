import ipaddr from 'ipaddr.js'
import { contains, type Network, parseAddress } from './network.ts'

/** Addresses of the VPN that policies give out, each to one session at a time. */
export interface AddressPool {
  readonly name: string
  /** IPv4. */
  readonly network: Network
  /** What is in the network and never given. */
  readonly exclude: readonly Network[]
  /** Milliseconds that an address stays with its session, without news of it, beyond two of its reports. */
  readonly holdMs: number
}

/** An address that a session asks for, to be its own until it ends. */
export interface LeaseWish {
  /** Name of the pool. */
  readonly pool: string
  /** Absent: any that is free. */
  readonly address?: string
  /** `Session.keptMs`. */
  readonly keptMs: number
}

/** How many addresses of a pool there are, and how many of them sessions hold. */
export interface PoolUsage {
  readonly pool: string
  readonly size: number
  readonly held: number
}

/** A pool by its addresses, in the order in which they are given for the first time. */
export interface PoolLayout {
  readonly pool: string
  readonly addresses: readonly string[]
}

/** Which addresses are whose. Every method may throw `Unavailable`. */
export interface LeaseStore {
  /** Makes the pools what they are in the configuration. An address that left them stays with its session. */
  layOut(pools: readonly PoolLayout[]): Promise<void>
  /** In the order of their names. */
  usage(): Promise<readonly PoolUsage[]>
  /**
   * Frees the addresses of sessions that must be dead.
   * @param now wall milliseconds. @param watchedMs how long, in milliseconds, news of sessions could have been kept:
   * a shorter silence says nothing.
   * @returns how many were freed.
   */
  reap(now: number, watchedMs: number): Promise<number>
}

/** Where the gateway's reports are not asked for at an interval of the policy's own. Seconds. */
export const USUAL_INTERIM = 300

/**
 * How long a login may take to become a session of which accounting tells. ocserv gives a login 240 s, and the Start
 * follows it at once.
 */
export const UNHEARD_MS = 10 * 60_000

/** Somebody should know before nobody can log in. */
export function isNearlyFull({ size, held }: PoolUsage): boolean {
  return held >= size * 0.9
}

/** Dotted, of the network of the pool. */
export function netmaskOf({ network }: Pick<AddressPool, 'network'>): string {
  return ipaddr.IPv4.subnetMaskFromPrefixLength(network.prefix).toString()
}

/** How long a client may be away; ocserv brings it back within 300 s, and notices its end up to 325 s later. */
export const USUAL_HOLD_MS = 15 * 60_000

/**
 * How long a session may say nothing: two of its reports may be lost, and its client may be away for a while.
 * @param interim seconds.
 */
export function keptMs(interim: number, holdMs = USUAL_HOLD_MS): number {
  return 2 * interim * 1000 + holdMs
}

/**
 * The addresses that are given. Neither the first and the last of the network are, which mean the network itself and
 * everybody in it, nor the one behind the first, which ocserv takes for its own end of the tunnel.
 */
export function layoutOf(pool: AddressPool): PoolLayout {
  const first = numberOf(pool.network.base)
  const last = first + 2 ** (32 - pool.network.prefix) - 1
  const excluded = pool.exclude.map(({ base, prefix }): readonly [number, number] => {
    const from = numberOf(base)
    return [from, from + 2 ** (32 - prefix) - 1]
  })
  const addresses: string[] = []
  for (let number = first + 2; number < last; number++) {
    if (!excluded.some(([from, to]) => from <= number && number <= to)) addresses.push(textOf(number))
  }
  return { pool: pool.name, addresses }
}

/** @returns the pool that gives this address. */
export function poolOf(pools: readonly AddressPool[], address: string): AddressPool | undefined {
  const parsed = parseAddress(address)
  if (parsed === undefined || parsed.kind() !== 'ipv4') return undefined
  return pools.find(({ network, exclude }) => {
    if (!contains(network, parsed) || exclude.some((excluded) => contains(excluded, parsed))) return false
    const place = numberOf(parsed) - numberOf(network.base)
    return place >= 2 && place < 2 ** (32 - network.prefix) - 1
  })
}

/** @returns whether an address can be in both. */
export function overlap(one: Network, other: Network): boolean {
  return contains(one, other.base) ? one.prefix <= other.prefix : contains(other, one.base)
}

function numberOf(address: Network['base']): number {
  return address.toByteArray().reduce((number, octet) => number * 256 + octet, 0)
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
}
