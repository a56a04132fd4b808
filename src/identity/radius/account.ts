import { parseAddress, parseNetwork } from '../../domain/network.ts'
import type { Account, StaticAttributes } from '../../domain/person.ts'
import { AttributeError } from '../../radius/attribute-value.ts'
import { describeAttributes, encodeAttribute, knownAttribute } from '../../radius/dictionary.ts'
import type { Packet } from '../../radius/packet.ts'

export interface UpstreamReplyRules {
  /** Attributes of an Access-Accept that become the user's own, by dictionary name; every other one is left out. */
  readonly attributes?: readonly string[]
  /** Attributes that name groups, such as `Class` and `Filter-Id`: a group each, or `OU=first;second`. */
  readonly groupsFrom?: readonly string[]
}

interface Found {
  readonly name: string
  readonly value: string
}

/** 255.255.255.255 and .254 leave the choice to the gateway (RFC 2865 §5.8). */
const NO_ADDRESS: ReadonlySet<string> = new Set(['255.255.255.255', '255.255.255.254', '0.0.0.0'])
const ROUTES: ReadonlySet<string> = new Set(['Framed-Route', 'Framed-IPv6-Route'])
const DNS: ReadonlySet<string> = new Set([
  'MS-Primary-DNS-Server',
  'MS-Secondary-DNS-Server',
  'DNS-Server-IPv6-Address',
])

/** Attributes that a server may not set: the policy's, the broker's own, or those that ocserv fails on. */
const WITHHELD: ReadonlySet<string> = new Set([
  'Acct-Interim-Interval',
  'Class',
  'Delegated-IPv6-Prefix',
  'EAP-Message',
  'Framed-IP-Netmask',
  'Framed-IPv6-Prefix',
  'Message-Authenticator',
  'Proxy-State',
  'RP-Downstream-Speed-Limit',
  'RP-Upstream-Speed-Limit',
  'Reply-Message',
  'Service-Type',
  'State',
  'Vendor-Specific',
])

/** Whether an allow list may name this attribute. */
export function isPassable(name: string): boolean {
  return knownAttribute(name) && !WITHHELD.has(name) && !/password/i.test(name)
}

/**
 * What an Access-Accept says about the user, as far as the rules allow.
 * @param leftOut called for each allowed attribute that cannot be used, such as a malformed route.
 */
export function accountOf(
  accept: Packet,
  { attributes: allowed = [], groupsFrom = [] }: UpstreamReplyRules,
  leftOut: (attribute: string) => void,
): Account {
  const groups = new Set<string>()
  const own: Mutable<StaticAttributes> = {}
  const others: Record<string, string | number> = {}
  for (const found of readable(accept)) {
    if (groupsFrom.includes(found.name)) for (const group of groupsIn(found.value)) groups.add(group)
    if (!allowed.includes(found.name)) continue
    if (!take(found, own) && !takeOther(found, others)) leftOut(found.name)
  }
  if (Object.keys(others).length > 0) own.attributes = others
  return { groups: [...groups], attributes: own }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Every attribute whose octets its text stands for; a value that is no text and has no name is left out. */
function readable(packet: Packet): Found[] {
  return packet.attributes.flatMap((attribute) => {
    const described = describeAttributes({ ...packet, attributes: [attribute] })
    const [found] = described
    return described.length === 1 && found !== undefined && isFaithful(found, attribute.value) ? [found] : []
  })
}

function isFaithful({ name, value }: Found, octets: Buffer): boolean {
  try {
    return knownAttribute(name) && encodeAttribute(name, value).value.equals(octets)
  } catch (error) {
    if (error instanceof AttributeError) return false
    throw error
  }
}

function groupsIn(value: string): string[] {
  return value
    .replace(/^OU=/i, '')
    .split(';')
    .map((group) => group.trim())
    .filter((group) => group !== '')
}

/** @returns false if the attribute has no field of its own, or cannot be used. */
function take({ name, value }: Found, own: Mutable<StaticAttributes>): boolean {
  if (name === 'Framed-IP-Address') {
    if (!NO_ADDRESS.has(value)) own.ipv4 = value
  } else if (name === 'Framed-IPv6-Address') own.ipv6 = value
  else if (name === 'Session-Timeout') own.sessionTimeout = Number(value)
  else if (ROUTES.has(name)) {
    // ocserv refuses a session over one malformed route; what follows the prefix it does not read.
    const [prefix = ''] = value.trim().split(/\s+/)
    const route = prefix.includes('/') ? parseNetwork(prefix) : undefined
    if (route === undefined) return false
    own.routes = [...(own.routes ?? []), route.text]
  } else if (DNS.has(name)) {
    if (parseAddress(value) === undefined) return false
    own.dns = [...(own.dns ?? []), value]
  } else return false
  return true
}

function takeOther({ name, value }: Found, others: Record<string, string | number>): boolean {
  if (ROUTES.has(name) || !isPassable(name)) return false
  others[name] ??= value
  return true
}
