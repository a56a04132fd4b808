import { stationAddress } from '../domain/network.ts'
import type { AccountingRecord, AccountingReport } from '../domain/session.ts'
import { addressText, ipv6PrefixText } from '../radius/addresses.ts'
import { Attr } from '../radius/codes.ts'
import { first, integer, type Packet } from '../radius/packet.ts'
import { optionalText } from './access-request.ts'
import type { RadiusClient } from './client-table.ts'

/** Acct-Status-Type (RFC 2866 §5.1). */
const KINDS: Readonly<Record<number, AccountingRecord['kind']>> = { 1: 'start', 2: 'stop', 3: 'interim' }

/** Acct-Terminate-Cause (RFC 2866 §5.10), from 1 on. */
const TERMINATE_CAUSES: readonly string[] = (
  'User-Request Lost-Carrier Lost-Service Idle-Timeout Session-Timeout Admin-Reset Admin-Reboot Port-Error ' +
  'NAS-Error NAS-Request NAS-Reboot Port-Unneeded Port-Preempted Port-Suspended Service-Unavailable Callback ' +
  'User-Error Host-Request'
).split(' ')

const GIGAWORD = 2 ** 32

/** Accounting-On and Accounting-Off. */
const RESTARTS: readonly number[] = [7, 8]

/**
 * Reads an authentic Accounting-Request. @returns undefined for one that is no record of a session (another status, or
 * no Acct-Session-Id): there is nothing to keep, and the gateway is answered all the same.
 */
export function readAccountingRequest(
  packet: Packet,
  client: RadiusClient,
  now: number,
): AccountingReport | undefined {
  const number = (type: number) => integer(first(packet, type) ?? Buffer.alloc(0))
  const status = number(Attr.AcctStatusType) ?? 0
  const gateway = client.gateway.name
  const nas = [client.address, optionalText(packet, Attr.NasIdentifier) ?? ''].join(' ').trim()
  const at = now - (number(Attr.AcctDelayTime) ?? 0) * 1000
  if (RESTARTS.includes(status)) return { kind: 'restart', gateway, nas, at }
  const kind = KINDS[status]
  const user = optionalText(packet, Attr.UserName, client.gateway.charset)
  const acctSession = optionalText(packet, Attr.AcctSessionId)
  if (kind === undefined || user === undefined || acctSession === undefined) return undefined
  const octets = (low: number, high: number) => (number(low) ?? 0) + (number(high) ?? 0) * GIGAWORD
  const address = optionalText(packet, Attr.CallingStationId)
  const cause = number(Attr.AcctTerminateCause)
  return {
    kind,
    gateway,
    nas,
    user,
    acctSession,
    address: address === undefined ? undefined : stationAddress(address),
    ipv4: addressText(first(packet, Attr.FramedIpAddress) ?? Buffer.alloc(0)),
    ipv6: ipv6Of(packet),
    terminateCause: cause === undefined ? undefined : (TERMINATE_CAUSES[cause - 1] ?? String(cause)),
    at,
    seconds: number(Attr.AcctSessionTime) ?? 0,
    octetsIn: octets(Attr.AcctInputOctets, Attr.AcctInputGigawords),
    octetsOut: octets(Attr.AcctOutputOctets, Attr.AcctOutputGigawords),
  }
}

/** The client's address; of a gateway that names a prefix alone, the first address of it. */
function ipv6Of(packet: Packet): string | undefined {
  const address = first(packet, Attr.FramedIpv6Address)
  if (address !== undefined) return addressText(address)
  const prefix = first(packet, Attr.DelegatedIpv6Prefix) ?? first(packet, Attr.FramedIpv6Prefix)
  return prefix && ipv6PrefixText(prefix)?.split('/')[0]
}
