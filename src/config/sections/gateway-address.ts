import type { GatewayNetwork } from '../../domain/gateway.ts'
import { echo, ValueError } from '../../schema/config-error.ts'
import { fromText, readNetwork } from '../../schema/scalars.ts'

/** Where a gateway's packets come from. */
type GatewayAddress =
  | { readonly text: string; readonly network: GatewayNetwork }
  /** A DNS name, in lower case. */
  | { readonly text: string; readonly host: string }

/** Labels of letters, digits, `-` and `_`, the last one not of digits alone (RFC 1123 §2.1). */
const HOST =
  /^(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}_])?\.)*(?=.*\p{L})[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.?$/u
/** RFC 4007 §11: the zone stands before the prefix length. */
const ZONED = /^([^%/]+)%([^%/\s]{1,15})(\/\d{1,3})?$/

/** An address, a network, a link-local one with its interface, or a DNS name. */
export function gatewayAddress() {
  return fromText(readGatewayAddress)
}

function readGatewayAddress(value: string): GatewayAddress | ValueError {
  const [, base, zone, prefix = ''] = ZONED.exec(value) ?? []
  if (base !== undefined) return readZoned(value, `${base}${prefix}`, zone ?? '')
  if (HOST.test(value)) {
    const host = value.toLowerCase().replace(/\.$/, '')
    return { text: host, host }
  }
  const network = readNetwork(value)
  if (network instanceof ValueError) return network
  return network.base.range() === 'linkLocal' && network.base.kind() === 'ipv6'
    ? new ValueError(
        `${echo(value)} is a link-local network, which each interface has`,
        `name the interface: ${value.replace(/(?=\/|$)/, '%eth0')}`,
      )
    : { text: network.text, network }
}

function readZoned(value: string, plain: string, zone: string): GatewayAddress | ValueError {
  const network = readNetwork(plain)
  if (network instanceof ValueError) return network
  if (network.base.kind() !== 'ipv6' || network.base.range() !== 'linkLocal')
    return new ValueError(
      `${echo(value)} names an interface, which only link-local addresses need`,
      `write ${plain}`,
    )
  const [base, prefix] = network.text.split('/')
  return { text: `${base}%${zone}/${prefix}`, network: { ...network, zone } }
}
