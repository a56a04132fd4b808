import { z } from 'zod'
import { type AddressPool, DEFAULT_INTERIM } from '../../domain/address-pool.ts'
import type { ClassForm } from '../../domain/gateway.ts'
import { parseAddress, parseNetwork } from '../../domain/network.ts'
import { type DefinedAttribute, type Entitlement, withAnyAddresses } from '../../domain/policy.ts'
import { echo, type Path } from '../../schema/config-error.ts'
import { address, duration, fromText, name, scalar } from '../../schema/scalars.ts'
import { suggestOneOf } from '../closest.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { isOutside } from './pools.ts'
import {
  type AttributeValues,
  MAX_GROUP_OCTETS,
  readAttributeValues,
  readGroup,
  readIpv6Prefix,
  readNetmask,
  readRoute,
} from './reply-values.ts'
import { isAllowedAsValue, noteOn, reservedAttribute } from './reserved-attributes.ts'

/** ocserv 1.3 and later; earlier ones take fewer. */
const MAX_GROUPS = 512
const FEWER_GROUPS = [
  { most: 32, version: '1.1.0' },
  { most: 128, version: '1.1.6' },
] as const
const DNS_SERVERS_EACH = 2
const MAX_REPLY_OCTETS = 4096 // RFC 2865 §3
/** With the headers of UDP and IP about what most paths carry in one piece. */
const UNCUT_REPLY_OCTETS = 1400
/** Every IPv6 path carries 1,280 octets (RFC 8200 §5), 48 of them headers; its routers cut nothing. */
const UNCUT_IPV6_OCTETS = 1232
const FEWER = 'join routes into larger networks, or name fewer groups'

const speed = () => z.int().min(1).max(4_000_000)

/** What an accepted user gets. Refuses every value that ocserv would reject only after the login. */
export const replySchema = z.strictObject({
  pool: name().optional(),
  netmask: fromText(readNetmask).optional(),
  routes: z.array(fromText(readRoute)).optional(),
  dns: z.array(address()).min(1).optional(),
  groups: z.array(fromText(readGroup)).min(1).max(MAX_GROUPS).optional(),
  session_timeout: duration({ min: '1m', max: '365d', wholeSeconds: true }).optional(),
  interim: duration({ min: '1s', max: '24h', wholeSeconds: true }).optional(),
  upstream_speed: speed().optional(),
  downstream_speed: speed().optional(),
  ipv6_prefix: fromText(readIpv6Prefix).optional(),
  attributes: z.record(z.string(), scalar(readAttributeValues)).optional(),
})

type Parsed = z.output<typeof replySchema>

/** Checks that only the RADIUS encoder can make; this folder must not import it. */
export interface ReplyRules {
  /** @returns why the attribute with this dictionary name cannot carry the value; undefined if it can. */
  attributeFault(name: string, value: string | number): string | undefined
  /** What an operator's dictionary says of the attribute with this name; undefined where none names it. */
  definitionOf(name: string): DefinedAttribute | undefined
  /** How often an Access-Accept may hold the attribute with this dictionary name; undefined for any number. */
  maxOccurrence(name: string): number | undefined
  /** Octets of an Access-Accept with this entitlement. */
  replyLength(entitlement: Entitlement): number
}

/** How a gateway takes replies. */
export interface ReplyReader {
  readonly classForm: ClassForm
  readonly isOverIpv6: boolean
}

/**
 * @param policy how messages name the policy.
 * @param pools undefined if one of them has a fault.
 * @param readers the gateways that the policy is for.
 */
export function checkReply(
  parsed: PartialConfig<Parsed>,
  path: Path,
  policy: string,
  pools: readonly AddressPool[] | undefined,
  readers: readonly ReplyReader[],
  rules: ReplyRules,
  diagnostics: Diagnostics,
): void {
  const forms = [...new Set(readers.map(({ classForm }) => classForm))]
  checkPool(parsed, path, pools, diagnostics)
  checkPrefix(parsed.ipv6_prefix, path, pools ?? [], diagnostics)
  checkDns(parsed.dns ?? [], [...path, 'dns'], diagnostics)
  checkGroups(parsed.groups ?? [], [...path, 'groups'], forms, diagnostics)
  if (parsed.interim !== undefined && parsed.interim < 60_000)
    diagnostics.warn(
      [...path, 'interim'],
      'is less than the 60s that RFC 2869 §5.16 demands',
      'write 5m, say',
    )
  const attributesFit = Object.entries(parsed.attributes ?? {})
    .map(([name, value]) => checkAttribute(name, value, [...path, 'attributes', name], rules, diagnostics))
    .every(Boolean)
  const whole = replySchema.safeParse(diagnostics.at(path))
  if (!whole.success || !attributesFit) return
  const classForm = forms.includes('each') ? 'each' : undefined
  const reply: Entitlement = { ...resolveReply(whole.data, pools ?? [], rules), classForm }
  const length = rules.replyLength(withAnyAddresses(reply))
  if (length > MAX_REPLY_OCTETS)
    diagnostics.fault(
      path,
      `the reply of policy ${policy} would be ${length} octets long; RADIUS allows ${MAX_REPLY_OCTETS}`,
      FEWER,
    )
  else if (length > UNCUT_IPV6_OCTETS && readers.some(({ isOverIpv6 }) => isOverIpv6))
    diagnostics.warn(
      path,
      `the reply of policy ${policy} is ${length} octets long; over ${UNCUT_IPV6_OCTETS} some IPv6 paths do not carry it in one piece, and no router cuts it`,
      `${FEWER}; or give the route to the gateway an MTU of 1280`,
    )
  else if (length > UNCUT_REPLY_OCTETS)
    diagnostics.warn(
      path,
      `the reply of policy ${policy} is ${length} octets long; over ${UNCUT_REPLY_OCTETS} it is cut into fragments on many paths, and some firewalls drop those`,
      FEWER,
    )
}

function checkPool(
  { pool, netmask, ipv6_prefix, attributes = {} }: PartialConfig<Parsed>,
  path: Path,
  pools: readonly AddressPool[] | undefined,
  diagnostics: Diagnostics,
): void {
  if (pool === undefined || pools === undefined) return
  const known = pools.find(({ name }) => name === pool)
  if (known === undefined) {
    const names = pools.map(({ name }) => name)
    diagnostics.fault(
      [...path, 'pool'],
      `there is no pool named ${pool}`,
      names.length === 0
        ? `add the section pools: { ${pool}: { ipv4: 10.8.0.0/22 } }`
        : suggestOneOf(pool, names),
    )
    return
  }
  if (known.ipv6 !== undefined && ipv6_prefix !== undefined)
    diagnostics.fault(
      [...path, 'ipv6_prefix'],
      `gives every user one prefix, and pool ${pool} each session its own`,
      'keep one of the two',
    )
  if (known.ipv4 === undefined) return
  if (attributes['Framed-IP-Address'] !== undefined)
    diagnostics.fault(
      [...path, 'attributes', 'Framed-IP-Address'],
      'leaves the choice of the address to the gateway, and reply.pool makes it',
      'keep one of the two',
    )
  const mask = netmask === undefined ? undefined : parseAddress(netmask)
  const prefix = mask?.kind() === 'ipv4' ? mask.prefixLengthFromSubnetMask() : null
  if (prefix !== null && prefix > known.ipv4.prefix)
    diagnostics.fault(
      [...path, 'netmask'],
      `${netmask} cuts pool ${pool} (${known.ipv4.text}) in pieces, whose first and last addresses no user can have`,
      'leave it out: the pool’s own is taken',
    )
}

function checkPrefix(
  prefix: string | undefined,
  path: Path,
  pools: readonly AddressPool[],
  diagnostics: Diagnostics,
): void {
  const network = prefix === undefined ? undefined : parseNetwork(prefix)
  if (network === undefined) return
  const place = [...path, 'ipv6_prefix']
  const pool = pools.find((each) => !isOutside(each, network))
  if (pool !== undefined)
    diagnostics.fault(
      place,
      `${network.text} lies in pool ${pool.name}, which may give it to another session`,
      `write exclude: ["${network.text}"] in the pool`,
    )
  diagnostics.warn(
    place,
    'goes to every user of the policy, and ocserv does not notice two users with one address',
    'keep it to a policy for one user',
  )
}

function checkDns(servers: readonly (string | undefined)[], path: Path, diagnostics: Diagnostics): void {
  for (const [family, isOfFamily] of [
    ['IPv4', (server: string) => !server.includes(':')],
    ['IPv6', (server: string) => server.includes(':')],
  ] as const) {
    const count = servers.filter((server) => server !== undefined && isOfFamily(server)).length
    if (count > DNS_SERVERS_EACH)
      diagnostics.fault(
        path,
        `has ${count} ${family} servers; ocserv takes ${DNS_SERVERS_EACH}`,
        'keep the first two',
      )
  }
}

/** Marks at which ocserv splits a Class; `each` leaves ocserv's own default. */
const MARKS: Readonly<Record<ClassForm, string>> = { semicolon: ';', comma: ',', each: ';' }

function checkGroups(
  groups: readonly (string | undefined)[],
  path: Path,
  forms: readonly ClassForm[],
  diagnostics: Diagnostics,
): void {
  for (const [index, group] of groups.entries()) {
    const cutBy = forms.find((form) => group?.includes(MARKS[form]))
    if (cutBy !== undefined)
      diagnostics.fault(
        [...path, index],
        `${echo(group ?? '')} would be cut at "${MARKS[cutBy]}" by a gateway with class: ${cutBy}`,
        'write each group as an entry, or set the class of the gateway to what its ocserv reads',
      )
  }
  const old = FEWER_GROUPS.findLast(({ most }) => groups.length > most)
  if (old !== undefined)
    diagnostics.warn(path, `has ${groups.length} groups; ocserv ${old.version} takes the first ${old.most}`)
  else if (Buffer.byteLength(groups.join(';')) > MAX_GROUP_OCTETS)
    diagnostics.warn(
      path,
      `the groups need more than one Class, of which ocserv before 1.2.0 reads the first`,
    )
}

/** @returns whether the attribute may be sent. */
function checkAttribute(
  name: string,
  given: PartialConfig<AttributeValues> | undefined,
  path: Path,
  rules: ReplyRules,
  diagnostics: Diagnostics,
): boolean {
  if (given === undefined) return false
  const values = [given].flat().filter((value) => value !== undefined)
  const instead = values.every((value) => isAllowedAsValue(name, value)) ? undefined : reservedAttribute(name)
  if (instead !== undefined) {
    diagnostics.fault(path, 'is written by the broker itself', instead)
    return false
  }
  const problem = values.map((value) => rules.attributeFault(name, value)).find((each) => each !== undefined)
  if (problem !== undefined) {
    diagnostics.fault(path, problem)
    return false
  }
  const most = rules.maxOccurrence(name)
  if (most !== undefined && values.length > most) {
    const often = most === 0 ? 'does not belong into' : 'may occur once only in'
    diagnostics.fault(path, `${often} an Access-Accept (RFC 2865 §5.44)`)
    return false
  }
  const note = noteOn(name)
  if (note !== undefined) diagnostics.warn(path, note)
  return true
}

/** With a pool the gateway must report at an interval: otherwise the broker never learns that an address is free. */
export function resolveReply(
  parsed: Parsed,
  pools: readonly AddressPool[],
  { definitionOf }: Pick<ReplyRules, 'definitionOf'>,
): Entitlement {
  const pool = pools.find(({ name }) => name === parsed.pool)
  const interim = parsed.interim ?? (pool && DEFAULT_INTERIM * 1000)
  return {
    pool,
    netmask: parsed.netmask,
    routes: parsed.routes,
    dns: parsed.dns,
    groups: parsed.groups,
    sessionTimeout: parsed.session_timeout && parsed.session_timeout / 1000,
    interim: interim && interim / 1000,
    upstreamSpeed: parsed.upstream_speed,
    downstreamSpeed: parsed.downstream_speed,
    delegatedPrefix: parsed.ipv6_prefix,
    attributes: parsed.attributes,
    defined: definedAmong(Object.keys(parsed.attributes ?? {}), definitionOf),
  }
}

function definedAmong(
  names: readonly string[],
  definitionOf: ReplyRules['definitionOf'],
): Entitlement['defined'] {
  const defined = names.flatMap((name) => {
    const definition = definitionOf(name)
    return definition === undefined ? [] : [[name, definition] as const]
  })
  return defined.length === 0 ? undefined : Object.fromEntries(defined)
}
