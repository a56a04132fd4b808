import { type AddressPool, type Family, netmaskOf } from './address-pool.ts'
import type { ClassForm } from './gateway.ts'
import type { Locale } from './locale.ts'
import { isWithin } from './network.ts'
import type { StaticAttributes } from './person.ts'
import {
  type ConditionName,
  failedCondition,
  type GovernedLogin,
  type PolicyConditions,
} from './policy-conditions.ts'
import { delegatedPrefix, someClientAddress } from './prefix-pool.ts'
import type { Quota } from './quota.ts'
import type { SessionLimit } from './session-limit.ts'

/** A reply attribute of an operator's own dictionary, as it goes on the wire. */
export interface DefinedAttribute {
  /** Private enterprise number; absent: no vendor's. */
  readonly vendor?: number
  readonly number: number
  /** A type that the encoder knows. */
  readonly type: string
  /** Numbers, as text, by their names. */
  readonly values?: Readonly<Record<string, string>>
}

/** What an accepted user gets. Absent members are left out of the reply. */
export interface Entitlement {
  /** Gives the addresses of its families that the user has none of their own of, and the netmask. */
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
  /** Absent: `semicolon`. */
  readonly classForm?: ClassForm
  /** Seconds. */
  readonly sessionTimeout?: number
  /** Seconds. */
  readonly interim?: number
  /** Kilobytes per second, as ocserv's code takes the Roaring Penguin attributes. */
  readonly upstreamSpeed?: number
  readonly downstreamSpeed?: number
  /** Further reply attributes by dictionary name, each with its value or values. */
  readonly attributes?: Readonly<Record<string, string | number | readonly (string | number)[]>>
  /** Those of them that operators' dictionaries define, by name. */
  readonly defined?: Readonly<Record<string, DefinedAttribute>>
}

/** What a refused user reads, by language. */
export type PolicyWords = Readonly<Partial<Record<Locale, string>>>

export interface Policy {
  readonly name: string
  readonly when: PolicyConditions
  /** Whether users without an authenticator may enrol one during a login; absent: `second_factor.enrol_at_login`. */
  readonly enrolAtLogin?: boolean
  /** False: users without an authenticator are refused whatever `second_factor.grace` says. */
  readonly grace?: boolean
  /** How much its sessions may use. */
  readonly quotas?: readonly Quota[]
  /** Absent: any number at the same time. */
  readonly sessions?: SessionLimit
  /** Absent: a policy that refuses. */
  readonly reply?: Entitlement
  /** Of a policy that refuses; absent: the words for every user whom no policy lets in. */
  readonly words?: PolicyWords
  /** What the prompt asks for; absent: as `second_factor.mode` says. */
  readonly secondFactorMode?: 'challenge' | 'either' | 'approve'
  /** Whether every login needs a second factor of its own, whatever `second_factor.required` says. */
  readonly needsFreshFactor?: boolean
  /** For how long after a full login the password alone lets the user in from the same network, in milliseconds. */
  readonly trustMs?: number
}

/** A policy that does not apply, and the first of its conditions that does not hold. */
interface PassedOver {
  readonly number: number
  readonly name: string
  readonly because: ConditionName
}

export interface PolicyChoice {
  /** The first policy that applies; absent where none does. */
  readonly policy?: Policy
  /** Its row in the configuration, from 1. */
  readonly number?: number
  /** The rows before it, or all. */
  readonly passedOver: readonly PassedOver[]
}

/** Looks at the policies from the first to the last; the first whose conditions all hold is the one, and no other counts. */
export function choosePolicy(policies: readonly Policy[], login: GovernedLogin): PolicyChoice {
  const passedOver: PassedOver[] = []
  for (const [index, policy] of policies.entries()) {
    const number = index + 1
    const because = failedCondition(policy.when, login)
    if (because === undefined) return { policy, number, passedOver }
    passedOver.push({ number, name: policy.name, because })
  }
  return { passedOver }
}

/** The user's own addresses and attributes override those of the policy. */
export function entitle(reply: Entitlement, own: StaticAttributes): Entitlement {
  const given = Object.entries(own).filter(([, value]) => value !== undefined)
  if (given.length === 0) return reply
  return { ...reply, ...Object.fromEntries(given), attributes: { ...reply.attributes, ...own.attributes } }
}

/** The session's addresses, leased or the user's own. */
export interface SessionAddresses {
  readonly ipv4?: string
  readonly ipv6?: string
}

/** Adds the addresses of the session, and what a pool that they lie in says of them. */
export function withAddresses({ pool, ...rest }: Entitlement, addresses: SessionAddresses): Entitlement {
  const { ipv4 = rest.ipv4, ipv6 = rest.ipv6 } = addresses
  const netmask = pool?.ipv4 !== undefined && isWithin([pool.ipv4], ipv4) ? netmaskOf(pool.ipv4) : undefined
  const prefix = pool?.ipv6 !== undefined && ipv6 !== undefined ? delegatedPrefix(pool.ipv6, ipv6) : undefined
  return {
    ...rest,
    ipv4,
    ipv6,
    netmask: rest.netmask ?? netmask,
    delegatedPrefix: rest.delegatedPrefix ?? prefix,
  }
}

/** The families of which the pool gives the address. */
export function neededOf({ pool, ipv4, ipv6 }: Entitlement): readonly Family[] {
  const families: Family[] = []
  if (pool?.ipv4 !== undefined && ipv4 === undefined) families.push('ipv4')
  if (pool?.ipv6 !== undefined && ipv6 === undefined) families.push('ipv6')
  return families
}

/** By entitlement: policies' are the same objects at every login. */
const completed = new WeakMap<Entitlement, Entitlement>()

/** With the pool's first addresses, to see whether a reply fits: any address of a family has the same encoded length. */
export function withAnyAddresses(entitlement: Entitlement): Entitlement {
  const { pool } = entitlement
  if (pool === undefined) return entitlement
  const needed = neededOf(entitlement)
  const complete =
    completed.get(entitlement) ??
    withAddresses(entitlement, {
      ipv4: needed.includes('ipv4') ? pool.ipv4?.base.toString() : undefined,
      ipv6: needed.includes('ipv6') ? pool.ipv6 && someClientAddress(pool.ipv6) : undefined,
    })
  completed.set(entitlement, complete)
  return complete
}

/** The session ends when so many seconds have passed, if not before. */
export function withTimeLeft(entitlement: Entitlement, secondsLeft: number): Entitlement {
  const { sessionTimeout } = entitlement
  if (sessionTimeout !== undefined && sessionTimeout <= secondsLeft) return entitlement
  // 0 would be the gateway's own limit (RFC 2865 §5.27), and the attribute holds 32 bits.
  return { ...entitlement, sessionTimeout: Math.min(Math.max(1, Math.floor(secondsLeft)), 0xffff_ffff) }
}

/** Policies' entitlements are the same objects at every login, and so are these. */
const forms = new WeakMap<Entitlement, Map<ClassForm, Entitlement>>()

/** As the gateway reads groups. */
export function withClassForm(entitlement: Entitlement, classForm: ClassForm): Entitlement {
  if (classForm === 'semicolon' || entitlement.groups === undefined) return entitlement
  const known = forms.get(entitlement) ?? new Map<ClassForm, Entitlement>()
  forms.set(entitlement, known)
  const formed = known.get(classForm) ?? { ...entitlement, classForm }
  known.set(classForm, formed)
  return formed
}
