import { hasHostBits, parseAddress, parseNetwork } from '../../../domain/network.ts'
import type { StaticAttributes } from '../../../domain/person.ts'
import type { AttributeNames } from '../provider-type.ts'

export interface ReadAttributes {
  readonly attributes: StaticAttributes
  /** Values that are not what their attribute is for, and that were left out. */
  readonly faults: readonly { readonly attribute: string; readonly value: string }[]
}

type Values = ReadonlyMap<string, readonly string[]>

/** ocserv takes two DNS servers of each family. */
const DNS_SERVERS_EACH = 2

/** What a user's entry gives, read with `names`. */
export function readAccountAttributes(entry: Values, names: AttributeNames): ReadAttributes {
  const faults: { attribute: string; value: string }[] = []
  const read = <T>(attribute: string | undefined, reader: (value: string) => T | undefined): T[] =>
    valuesOf(entry, attribute).flatMap((value) => {
      const meaning = reader(value)
      if (meaning !== undefined) return [meaning]
      faults.push({ attribute: attribute ?? '', value })
      return []
    })

  const [ipv4] = read(names.ipv4, readIpv4)
  const [ipv6] = read(names.ipv6, (value) => addressOf(value, 'ipv6'))
  const routes = read(names.routes, readRoute)
  const servers = read(names.dns, (value) => addressOf(value))
  const dns = [false, true].flatMap((isV6) =>
    servers.filter((server) => server.includes(':') === isV6).slice(0, DNS_SERVERS_EACH),
  )
  const reply = Object.entries(names.reply ?? {}).flatMap(([name, attribute]) =>
    valuesOf(entry, attribute)
      .slice(0, 1)
      .map((value): [string, string] => [name, value]),
  )
  return {
    attributes: {
      ipv4,
      ipv6,
      routes: routes.length > 0 ? routes : undefined,
      dns: dns.length > 0 ? dns : undefined,
      attributes: reply.length > 0 ? Object.fromEntries(reply) : undefined,
    },
    faults,
  }
}

/** The LDAP attributes that `names` reads. */
export function attributesRead(names: AttributeNames): readonly string[] {
  const { ipv4, ipv6, routes, dns, reply = {} } = names
  return [ipv4, ipv6, routes, dns, ...Object.values(reply)].filter((name) => name !== undefined)
}

function valuesOf(entry: Values, attribute: string | undefined): readonly string[] {
  return attribute === undefined ? [] : (entry.get(attribute.toLowerCase()) ?? [])
}

/** Active Directory keeps an address as a 32-bit integer with a sign: -1062731519 is 192.168.1.1 (MS-ADA2 msRADIUSFramedIPAddress). */
function readIpv4(value: string): string | undefined {
  if (!/^-?\d{1,10}$/.test(value)) return addressOf(value, 'ipv4')
  const number = Number(value)
  if (number < -0x8000_0000 || number > 0xffff_ffff) return undefined
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(number >>> 0)
  return octets.join('.')
}

function addressOf(value: string, kind?: 'ipv4' | 'ipv6'): string | undefined {
  const address = parseAddress(value.trim())
  return address === undefined || (kind !== undefined && address.kind() !== kind)
    ? undefined
    : address.toString()
}

/** Of `10.0.0.0/8 192.0.2.1 1` (RFC 2865 §5.22) ocserv needs the network alone; one with host bits is a slip. */
function readRoute(value: string): string | undefined {
  const [network = ''] = value.trim().split(/\s/)
  return hasHostBits(network) ? undefined : parseNetwork(network)?.text
}
