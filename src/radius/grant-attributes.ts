import { type DefinedAttribute, encodeDefined } from './defined-attribute.ts'
import { encodeAttribute } from './dictionary.ts'
import type { NewAttribute } from './packet.ts'

/** What an Access-Accept may give, in the terms of ocserv (an entitlement of the domain has this shape). */
export interface GrantedReply {
  readonly ipv4?: string
  readonly netmask?: string
  readonly ipv6?: string
  readonly delegatedPrefix?: string
  readonly routes?: readonly string[]
  readonly dns?: readonly string[]
  readonly groups?: readonly string[]
  readonly classForm?: ClassForm
  readonly sessionTimeout?: number
  readonly interim?: number
  readonly upstreamSpeed?: number
  readonly downstreamSpeed?: number
  readonly attributes?: Readonly<Record<string, string | number | readonly (string | number)[]>>
  readonly defined?: Readonly<Record<string, DefinedAttribute>>
}

type ClassForm = 'semicolon' | 'comma' | 'each'

const MAX_TEXT = 253
const GROUP_MARKS = { semicolon: ';', comma: ',' } as const
const DNS_V4 = ['MS-Primary-DNS-Server', 'MS-Secondary-DNS-Server'] as const

/**
 * The attributes of an Access-Accept as every version of ocserv from 1.1 reads them. Service-Type is left out (any
 * value but 2 fails the login), as is whatever ocserv ignores, unless the configuration names it.
 * @throws AttributeError naming the attribute that cannot carry its value.
 */
export function grantAttributes(reply: GrantedReply): NewAttribute[] {
  const attributes: NewAttribute[] = []
  const add = (name: string, value: string | number | undefined) => {
    if (value !== undefined) attributes.push(encodeAttribute(name, value))
  }
  add('Framed-IP-Address', reply.ipv4)
  add('Framed-IP-Netmask', reply.netmask)
  // ocserv takes the address of the later one, and a Framed-IPv6-Address for one of a /64.
  const isOfSlash64 = reply.delegatedPrefix?.endsWith('/64') === true
  if (isOfSlash64) add('Delegated-IPv6-Prefix', reply.delegatedPrefix)
  add('Framed-IPv6-Address', reply.ipv6)
  if (!isOfSlash64) add('Delegated-IPv6-Prefix', reply.delegatedPrefix)
  for (const route of reply.routes ?? []) {
    add(route.includes(':') ? 'Framed-IPv6-Route' : 'Framed-Route', route)
  }
  const servers = reply.dns ?? []
  for (const [index, server] of servers.filter((address) => !address.includes(':')).entries()) {
    add(DNS_V4[index] ?? 'MS-Secondary-DNS-Server', server)
  }
  for (const server of servers.filter((address) => address.includes(':')))
    add('DNS-Server-IPv6-Address', server)
  for (const value of classes(reply.groups ?? [], reply.classForm)) add('Class', value)
  add('Session-Timeout', reply.sessionTimeout)
  add('Acct-Interim-Interval', reply.interim)
  add('RP-Upstream-Speed-Limit', reply.upstreamSpeed)
  add('RP-Downstream-Speed-Limit', reply.downstreamSpeed)
  for (const [name, values] of Object.entries(reply.attributes ?? {})) {
    // An address of the user's own comes before the gateway's choice.
    if (name === 'Framed-IP-Address' && reply.ipv4 !== undefined) continue
    const defined = reply.defined?.[name]
    for (const value of Array.isArray(values) ? values : [values])
      if (defined === undefined) add(name, value)
      else attributes.push(encodeDefined(name, defined, value))
  }
  return attributes
}

/**
 * `OU=a;b`, as many groups to a Class as it holds. ocserv 1.1 reads the first Class alone, so it carries the most;
 * 1.2 and later take them all. The first group is ocserv's default.
 */
function classes(groups: readonly string[], form: ClassForm = 'semicolon'): string[] {
  if (form === 'each') return groups.map((group) => `OU=${group}`)
  const mark = GROUP_MARKS[form]
  const values: string[] = []
  let current = ''
  for (const group of groups) {
    const longer = current === '' ? `OU=${group}` : `${current}${mark}${group}`
    if (current !== '' && Buffer.byteLength(longer) > MAX_TEXT) {
      values.push(current)
      current = `OU=${group}`
    } else current = longer
  }
  if (current !== '') values.push(current)
  return values
}
