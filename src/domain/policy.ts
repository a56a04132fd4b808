import { type AddressPool, netmaskOf } from './address-pool.ts'
import { isWithin, type Network } from './network.ts'
import type { Person, StaticAttributes } from './person.ts'

/** When a policy applies; every condition that is present must hold. */
export interface PolicyConditions {
  /** The user is in at least one of these. */
  readonly groups?: readonly string[]
  readonly gateways?: readonly string[]
  /** The user's own address lies in at least one of these. */
  readonly networks?: readonly Network[]
}

/** What an accepted user gets; each member is left out of the reply where it is absent. */
export interface Entitlement {
  /** Gives the IPv4 address where there is none, and the netmask as well. */
  readonly pool?: AddressPool
  readonly ipv4?: string
  readonly netmask?: string
  readonly ipv6?: string
  /** A prefix such as `2001:db8:1::/56` (Delegated-IPv6-Prefix, RFC 4818). */
  readonly delegatedPrefix?: string
  /** IPv4 and IPv6 prefixes; they replace the gateway's own routes. */
  readonly routes?: readonly string[]
  readonly dns?: readonly string[]
  /** ocserv's groups for the session, by Class; the first is the default. */
  readonly groups?: readonly string[]
  /** Seconds. */
  readonly sessionTimeout?: number
  /** Seconds. */
  readonly interim?: number
  /** Kilobytes per second, as ocserv's code takes the Roaring Penguin attributes. */
  readonly upstreamSpeed?: number
  readonly downstreamSpeed?: number
  /** Further reply attributes by dictionary name. */
  readonly attributes?: Readonly<Record<string, string | number>>
}

export interface Policy {
  readonly name: string
  readonly when: PolicyConditions
  /** Whether users without an authenticator may enrol one in the midst of a login; absent: as elsewhere. */
  readonly enrolAtLogin?: boolean
  /** Absent: a policy that refuses. */
  readonly reply?: Entitlement
}

/** @returns the first policy that applies. */
export function choosePolicy(
  policies: readonly Policy[],
  person: Person,
  gateway: string,
  address: string | undefined,
): Policy | undefined {
  return policies.find(({ when }) => {
    if (when.groups !== undefined && !when.groups.some((group) => person.groups.includes(group))) return false
    if (when.gateways !== undefined && !when.gateways.includes(gateway)) return false
    return when.networks === undefined || isWithin(when.networks, address)
  })
}

/** The user's own addresses and attributes go before those of the policy. The same object where the user has none. */
export function entitle(reply: Entitlement, own: StaticAttributes): Entitlement {
  const given = Object.entries(own).filter(([, value]) => value !== undefined)
  if (given.length === 0) return reply
  return { ...reply, ...Object.fromEntries(given), attributes: { ...reply.attributes, ...own.attributes } }
}

/** What the user gets, with the address that was leased for the session. */
export function withAddress({ pool, ...rest }: Entitlement, ipv4: string): Entitlement {
  const netmask = pool !== undefined && isWithin([pool.network], ipv4) ? netmaskOf(pool) : undefined
  return { ...rest, ipv4, netmask: rest.netmask ?? netmask }
}
