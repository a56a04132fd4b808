import ipaddr from 'ipaddr.js'
import type { AuditEvent } from './audit.ts'
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

/** An address of a pool, and whose it is. */
export interface Lease {
  readonly address: string
  /** Absent: it has left its pool, and is forgotten when it is free. */
  readonly pool?: string
  /** `Session.id` of whoever has it; absent where it is free. */
  readonly session?: string
  /** Who had it last. */
  readonly subject?: string
  readonly gateway?: string
  /** Of the last news of the session, in wall milliseconds; absent where accounting has not named it yet. */
  readonly heardAt?: number
  /** `Session.keptMs`. */
  readonly keptMs?: number
}

/** One that a session has. */
export type HeldLease = Lease & { readonly session: string }

/** Which addresses are whose. Every method may throw `Unavailable`. */
export interface LeaseStore {
  find(address: string): Promise<Lease | undefined>
  /** In the order of addresses as text. @param after the last of the page before. */
  page(search: {
    readonly held?: boolean
    readonly after?: string
    readonly limit: number
  }): Promise<readonly Lease[]>
  /** In the order of the pools' names. */
  usage(): Promise<readonly PoolUsage[]>
  /** Adds those that there are not. @param place of each among those of the pool that were never given. */
  add(pool: string, addresses: readonly { readonly address: string; readonly place: number }[]): Promise<void>
  /** @param pool absent: they leave theirs; those that are free are forgotten. */
  assign(addresses: readonly string[], pool?: string): Promise<void>
  /**
   * Forgets addresses that left their pool and are free now, and puts those that are local users' own behind all others,
   * so that nobody looks through them at each login.
   */
  tidy(): Promise<void>
  /** Frees those of which nothing was heard meanwhile. @param at wall milliseconds. @returns how many were freed. */
  reap(dead: readonly HeldLease[], at: number): Promise<number>
  /** Frees it by hand. @returns whose it was; undefined where there is no such address, or it is free. */
  release(address: string, event: AuditEvent): Promise<Lease | undefined>
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
  const last = first + sizeOf(pool.network) - 1
  const excluded = pool.exclude
    .map((network) => ({ from: numberOf(network.base), next: numberOf(network.base) + sizeOf(network) }))
    .sort((one, other) => one.from - other.from)
  const addresses: string[] = []
  let number = first + 2
  for (const { from, next } of [...excluded, { from: last, next: last }]) {
    for (; number < Math.min(from, last); number++) addresses.push(textOf(number))
    number = Math.max(number, next)
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
    return place >= 2 && place < sizeOf(network) - 1
  })
}

/** @returns whether an address can be in both. */
export function overlap(one: Network, other: Network): boolean {
  return contains(one, other.base) ? one.prefix <= other.prefix : contains(other, one.base)
}

/** Addresses in it. */
export function sizeOf({ prefix }: Network): number {
  return 2 ** (32 - prefix)
}

function numberOf(address: Network['base']): number {
  return address.toByteArray().reduce((number, octet) => number * 256 + octet, 0)
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
}
