import { hiddenCharacterFault } from '../../domain/hidden-characters.ts'
import { parseAddress, parseNetwork } from '../../domain/network.ts'
import { echo, ValueError } from '../../schema/config-error.ts'
import { MAX_ATTRIBUTE_OCTETS, readNetwork, readText } from '../../schema/scalars.ts'

/** A Class attribute holds `OU=` and the group. */
export const MAX_GROUP_OCTETS = MAX_ATTRIBUTE_OCTETS - 'OU='.length

export function readNetmask(mask: string): string | ValueError {
  const bits = /^(?:.*\/)?(\d{1,2})$/.exec(mask)?.[1]
  const parsed = parseAddress(mask)
  const prefix = parsed?.kind() === 'ipv4' ? parsed.prefixLengthFromSubnetMask() : null
  if (parsed === undefined || prefix === null) {
    const instead = bits === undefined ? undefined : maskOf(Number(bits))
    return new ValueError(`${echo(mask)} is not a netmask`, `write ${instead ?? '255.255.255.0'}, say`)
  }
  // The network, the broadcast and the gateway's own address are never given to a user.
  if (prefix < 1 || prefix > 30)
    return new ValueError(`${mask} leaves no addresses for users`, 'write 255.255.255.0, say')
  return parsed.toString()
}

function maskOf(prefix: number): string | undefined {
  return parseNetwork(`255.255.255.255/${prefix}`)?.base.toString()
}

/** ocserv reads up to the first blank, requires a slash, and ends the session on a malformed route. */
export function readRoute(route: string): string | ValueError {
  if (/\s/.test(route))
    return new ValueError(
      `${echo(route)} holds a blank`,
      'write the network alone; the tunnel is the way there',
    )
  const host = route.includes('/') ? undefined : parseAddress(route)
  if (host !== undefined)
    return new ValueError(
      `${route} has no prefix length`,
      `write ${route}/${host.kind() === 'ipv4' ? 32 : 128}`,
    )
  if (route === 'default') return new ValueError('"default" is not a network', 'write 0.0.0.0/0')
  const network = readNetwork(route)
  return network instanceof ValueError ? network : network.text
}

export function readGroup(group: string): string | ValueError {
  const hidden = hiddenCharacterFault(group)
  if (hidden !== undefined) return new ValueError(hidden)
  if (group !== group.trim()) return new ValueError(`${echo(group)} begins or ends with a blank`)
  if (/^ou=/i.test(group))
    return new ValueError(`${echo(group)}: "OU=" is added by the broker`, `write ${group.slice(3)}`)
  const octets = Buffer.byteLength(group)
  return octets > MAX_GROUP_OCTETS
    ? new ValueError(`is ${octets} octets long; at most ${MAX_GROUP_OCTETS} fit`)
    : group
}

export function readIpv6Prefix(prefix: string): string | ValueError {
  if (!prefix.includes('/') || parseNetwork(prefix)?.base.kind() !== 'ipv6')
    return new ValueError(`${echo(prefix)} is not an IPv6 prefix`, 'write 2001:db8:1::/56, say')
  const network = readNetwork(prefix)
  return network instanceof ValueError ? network : network.text
}

export function readAttributeValues(raw: unknown): AttributeValues | ValueError {
  if (!Array.isArray(raw)) return readAttributeValue(raw)
  if (raw.length === 0) return new ValueError('is an empty list', 'write a value, or remove the attribute')
  const values = raw.map(readAttributeValue)
  return values.find((value) => value instanceof ValueError) ?? (values as readonly (string | number)[])
}

export type AttributeValues = string | number | readonly (string | number)[]

function readAttributeValue(raw: unknown): string | number | ValueError {
  if (typeof raw === 'number') return raw
  const value = readText(raw)
  if (value instanceof ValueError)
    return typeof raw === 'object' && raw !== null ? new ValueError('must be one text or number') : value
  const octets = Buffer.byteLength(value)
  return octets > MAX_ATTRIBUTE_OCTETS
    ? new ValueError(`is ${octets} octets long; at most ${MAX_ATTRIBUTE_OCTETS} fit`)
    : value
}
