import { z } from 'zod'
import { type AddressPool, USUAL_INTERIM } from '../../domain/address-pool.ts'
import { hasHostBits, parseAddress, parseNetwork } from '../../domain/network.ts'
import { type Entitlement, withAddress } from '../../domain/policy.ts'
import { suggestOneOf } from '../closest.ts'
import { echo, type Path, type Report, Slip } from '../fault.ts'
import {
  address,
  CONTROL,
  duration,
  LONGEST_ATTRIBUTE,
  name,
  readNetwork,
  readText,
  scalar,
} from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'
import { ignoredByOcserv, takenAttribute } from './taken-attributes.ts'

/** Text of an attribute that is `OU=` and the group. */
const LONGEST_GROUP = LONGEST_ATTRIBUTE - 'OU='.length
/** ocserv 1.3 and later; earlier ones take fewer. */
const MOST_GROUPS = 512
const FEWER_GROUPS = [
  { most: 32, version: '1.1.0' },
  { most: 128, version: '1.1.6' },
] as const
const DNS_SERVERS_EACH = 2
const LONGEST_REPLY = 4096 // RFC 2865 §3
/** All are as long in a reply. */
const SOME_ADDRESS = '192.0.2.1'

const speed = () => z.int().min(1).max(4_000_000)

/** What an accepted user gets, with everything refused that ocserv would choke on once the user is in. */
export const replyShape = z.strictObject({
  pool: name().optional(),
  netmask: scalar(readNetmask).optional(),
  routes: z.array(scalar(readRoute)).optional(),
  dns: z.array(address()).min(1).optional(),
  groups: z.array(scalar(readGroup)).min(1).max(MOST_GROUPS).optional(),
  session_timeout: duration({ min: '1m', max: '365d', wholeSeconds: true }).optional(),
  interim: duration({ min: '1s', max: '24h', wholeSeconds: true }).optional(),
  upstream_speed: speed().optional(),
  downstream_speed: speed().optional(),
  ipv6_prefix: scalar(readIpv6Prefix).optional(),
  attributes: z.record(z.string(), scalar(readAttributeValue)).optional(),
})

type Parsed = z.output<typeof replyShape>

/** What the configuration asks of those who write replies, without knowing them. */
export interface ReplyRules {
  /** @returns why the attribute of this dictionary name cannot carry the value; undefined where it can. */
  attributeFault(name: string, value: string | number): string | undefined
  /** Octets of an Access-Accept that gives all of this. */
  replyLength(entitlement: Entitlement): number
}

function readNetmask(raw: unknown): string | Slip {
  const mask = readText(raw)
  if (mask instanceof Slip) return mask
  const bits = /^(?:.*\/)?(\d{1,2})$/.exec(mask)?.[1]
  const parsed = parseAddress(mask)
  const prefix = parsed?.kind() === 'ipv4' ? parsed.prefixLengthFromSubnetMask() : null
  if (parsed === undefined || prefix === null) {
    const instead = bits === undefined ? undefined : maskOf(Number(bits))
    return new Slip(`${echo(mask)} is not a netmask`, `write ${instead ?? '255.255.255.0'}, say`)
  }
  // The network, the broadcast and the gateway's own address are never a user's.
  if (prefix < 1 || prefix > 30)
    return new Slip(`${mask} leaves no addresses for users`, 'write 255.255.255.0, say')
  return parsed.toString()
}

function maskOf(prefix: number): string | undefined {
  return parseNetwork(`255.255.255.255/${prefix}`)?.base.toString()
}

/** ocserv takes what stands before the first blank, demands a slash in it, and ends the session on a malformed one. */
function readRoute(raw: unknown): string | Slip {
  const route = readText(raw)
  if (route instanceof Slip) return route
  if (/\s/.test(route))
    return new Slip(`${echo(route)} holds a blank`, 'write the network alone; the way there is the tunnel')
  const host = route.includes('/') ? undefined : parseAddress(route)
  if (host !== undefined)
    return new Slip(`${route} has no prefix length`, `write ${route}/${host.kind() === 'ipv4' ? 32 : 128}`)
  if (route === 'default') return new Slip('"default" is not a network', 'write 0.0.0.0/0')
  const network = readNetwork(route)
  return network instanceof Slip ? network : network.text
}

function readGroup(raw: unknown): string | Slip {
  const group = readText(raw)
  if (group instanceof Slip) return group
  if (CONTROL.test(group)) return new Slip('holds a control character or a line break')
  if (/[;,]/.test(group))
    return new Slip(
      `${echo(group)} holds a sign that ocserv splits groups at`,
      'write each group as an entry',
    )
  if (group !== group.trim()) return new Slip(`${echo(group)} begins or ends with a blank`)
  if (/^ou=/i.test(group))
    return new Slip(`${echo(group)}: "OU=" is added by the broker`, `write ${group.slice(3)}`)
  const octets = Buffer.byteLength(group)
  return octets > LONGEST_GROUP ? new Slip(`is ${octets} octets long; at most ${LONGEST_GROUP} fit`) : group
}

function readIpv6Prefix(raw: unknown): string | Slip {
  const prefix = readText(raw)
  if (prefix instanceof Slip) return prefix
  const network = prefix.includes('/') && prefix.includes(':') ? parseNetwork(prefix) : undefined
  if (network === undefined || network.base.kind() !== 'ipv6')
    return new Slip(`${echo(prefix)} is not an IPv6 prefix`, 'write 2001:db8:1::/56, say')
  return hasHostBits(prefix)
    ? new Slip(`${echo(prefix)} has bits set behind its prefix`, `write ${network.text}, or a longer prefix`)
    : network.text
}

function readAttributeValue(raw: unknown): string | number | Slip {
  if (typeof raw === 'number') return raw
  const value = readText(raw)
  if (value instanceof Slip)
    return typeof raw === 'object' && raw !== null ? new Slip('must be one text or number') : value
  const octets = Buffer.byteLength(value)
  return octets > LONGEST_ATTRIBUTE
    ? new Slip(`is ${octets} octets long; at most ${LONGEST_ATTRIBUTE} fit`)
    : value
}

/**
 * @param policy how messages name the policy.
 * @param pools undefined where a fault hides one of them.
 */
export function checkReply(
  draft: Draft<Parsed>,
  path: Path,
  policy: string,
  pools: readonly AddressPool[] | undefined,
  rules: ReplyRules,
  report: Report,
): void {
  checkPool(draft, path, pools, report)
  checkDns(draft.dns ?? [], [...path, 'dns'], report)
  checkGroups(draft.groups ?? [], [...path, 'groups'], report)
  if (draft.interim !== undefined && draft.interim < 60_000)
    report.warn([...path, 'interim'], 'is less than the 60s that RFC 2869 §5.16 demands', 'write 5m, say')
  if (draft.ipv6_prefix !== undefined)
    report.warn(
      [...path, 'ipv6_prefix'],
      'goes to every user of the policy alike, and ocserv does not notice two users with one address',
      'keep it to a policy for one user',
    )
  const attributesFit = Object.entries(draft.attributes ?? {})
    .map(([name, value]) => checkAttribute(name, value, [...path, 'attributes', name], rules, report))
    .every(Boolean)
  const whole = replyShape.safeParse(report.at(path))
  if (!whole.success || !attributesFit) return
  const reply = resolveReply(whole.data, pools ?? [])
  const length = rules.replyLength(reply.pool === undefined ? reply : withAddress(reply, SOME_ADDRESS))
  if (length > LONGEST_REPLY)
    report.fault(
      path,
      `the reply of policy ${policy} would be ${length} octets long; RADIUS allows ${LONGEST_REPLY}`,
      'join routes into larger networks, or name fewer groups',
    )
}

function checkPool(
  { pool, netmask }: Draft<Parsed>,
  path: Path,
  pools: readonly AddressPool[] | undefined,
  report: Report,
): void {
  if (pool === undefined || pools === undefined) return
  const known = pools.find(({ name }) => name === pool)
  if (known === undefined) {
    const names = pools.map(({ name }) => name)
    report.fault(
      [...path, 'pool'],
      `there is no pool named ${pool}`,
      names.length === 0
        ? `add the section pools: { ${pool}: { ipv4: 10.8.0.0/22 } }`
        : suggestOneOf(pool, names),
    )
    return
  }
  const mask = netmask === undefined ? undefined : parseAddress(netmask)
  const prefix = mask?.kind() === 'ipv4' ? mask.prefixLengthFromSubnetMask() : null
  if (prefix !== null && prefix > known.network.prefix)
    report.fault(
      [...path, 'netmask'],
      `${netmask} cuts pool ${pool} (${known.network.text}) in pieces, whose first and last addresses are no user’s`,
      'leave it out: the pool’s own is taken',
    )
}

function checkDns(servers: readonly (string | undefined)[], path: Path, report: Report): void {
  for (const [family, isOfFamily] of [
    ['IPv4', (server: string) => !server.includes(':')],
    ['IPv6', (server: string) => server.includes(':')],
  ] as const) {
    const count = servers.filter((server) => server !== undefined && isOfFamily(server)).length
    if (count > DNS_SERVERS_EACH)
      report.fault(
        path,
        `has ${count} ${family} servers; ocserv takes ${DNS_SERVERS_EACH}`,
        'keep the first two',
      )
  }
}

function checkGroups(groups: readonly (string | undefined)[], path: Path, report: Report): void {
  const old = FEWER_GROUPS.findLast(({ most }) => groups.length > most)
  if (old !== undefined)
    report.warn(path, `has ${groups.length} groups; ocserv ${old.version} takes the first ${old.most}`)
  else if (Buffer.byteLength(groups.join(';')) > LONGEST_GROUP)
    report.warn(path, `the groups need more than one Class, of which ocserv before 1.2.0 reads the first`)
}

/** @returns whether the attribute may be sent. */
function checkAttribute(
  name: string,
  value: string | number | undefined,
  path: Path,
  rules: ReplyRules,
  report: Report,
): boolean {
  const taken = takenAttribute(name)
  if (taken !== undefined) {
    report.fault(path, 'is written by the broker itself', taken)
    return false
  }
  if (value === undefined) return false
  const problem = rules.attributeFault(name, value)
  if (problem !== undefined) {
    report.fault(path, problem)
    return false
  }
  if (ignoredByOcserv(name)) report.warn(path, 'is ignored by every version of ocserv')
  return true
}

/** Where a pool gives the address the gateway's reports are asked for: without them nobody knows when it is free. */
export function resolveReply(parsed: Parsed, pools: readonly AddressPool[]): Entitlement {
  const { netmask, routes, dns, groups, session_timeout, ipv6_prefix, attributes } = parsed
  const pool = pools.find(({ name }) => name === parsed.pool)
  const interim = parsed.interim ?? (pool && USUAL_INTERIM * 1000)
  return {
    ...(pool !== undefined && { pool }),
    ...(netmask !== undefined && { netmask }),
    ...(routes !== undefined && { routes }),
    ...(dns !== undefined && { dns }),
    ...(groups !== undefined && { groups }),
    ...(session_timeout !== undefined && { sessionTimeout: session_timeout / 1000 }),
    ...(interim !== undefined && { interim: interim / 1000 }),
    ...(parsed.upstream_speed !== undefined && { upstreamSpeed: parsed.upstream_speed }),
    ...(parsed.downstream_speed !== undefined && { downstreamSpeed: parsed.downstream_speed }),
    ...(ipv6_prefix !== undefined && { delegatedPrefix: ipv6_prefix }),
    ...(attributes !== undefined && { attributes }),
  }
}
