import { canonicalAddress } from '../domain/network.ts'
import type { AccountingRecord } from '../domain/session.ts'
import { addressText } from '../radius/addresses.ts'
import { Attr } from '../radius/codes.ts'
import { first, integer, type Packet } from '../radius/packet.ts'
import { optionalText } from './access-request.ts'
import type { Peer } from './gateway-table.ts'

/** Acct-Status-Type (RFC 2866 §5.1). */
const KINDS: Readonly<Record<number, AccountingRecord['kind']>> = { 1: 'start', 2: 'stop', 3: 'interim' }

/** Acct-Terminate-Cause (RFC 2866 §5.10). */
const TERMINATE_CAUSES: Readonly<Record<number, string>> = {
  1: 'User-Request',
  2: 'Lost-Carrier',
  3: 'Lost-Service',
  4: 'Idle-Timeout',
  5: 'Session-Timeout',
  6: 'Admin-Reset',
  7: 'Admin-Reboot',
  8: 'Port-Error',
  9: 'NAS-Error',
  10: 'NAS-Request',
  11: 'NAS-Reboot',
  12: 'Port-Unneeded',
  13: 'Port-Preempted',
  14: 'Port-Suspended',
  15: 'Service-Unavailable',
  16: 'Callback',
  17: 'User-Error',
  18: 'Host-Request',
}

const GIGAWORD = 2 ** 32

/**
 * Reads an authentic Accounting-Request. @returns undefined for what is no record of a session (Accounting-On and
 * -Off, or no Acct-Session-Id): there is nothing to keep, and the gateway is answered all the same.
 */
export function readAccountingRequest(packet: Packet, peer: Peer, now: number): AccountingRecord | undefined {
  const number = (type: number) => integer(first(packet, type) ?? Buffer.alloc(0))
  const kind = KINDS[number(Attr.AcctStatusType) ?? 0]
  const user = optionalText(packet, Attr.UserName)
  const acctSession = optionalText(packet, Attr.AcctSessionId)
  if (kind === undefined || user === undefined || acctSession === undefined) return undefined
  const octets = (low: number, high: number) => (number(low) ?? 0) + (number(high) ?? 0) * GIGAWORD
  const address = optionalText(packet, Attr.CallingStationId)
  const cause = number(Attr.AcctTerminateCause)
  return {
    kind,
    gateway: peer.gateway.name,
    user,
    acctSession,
    address: address === undefined ? undefined : canonicalAddress(address),
    ipv4: addressText(first(packet, Attr.FramedIpAddress) ?? Buffer.alloc(0)),
    ipv6: addressText(first(packet, Attr.FramedIpv6Address) ?? Buffer.alloc(0)),
    terminateCause: cause === undefined ? undefined : (TERMINATE_CAUSES[cause] ?? String(cause)),
    at: now - (number(Attr.AcctDelayTime) ?? 0) * 1000,
    seconds: number(Attr.AcctSessionTime) ?? 0,
    octetsIn: octets(Attr.AcctInputOctets, Attr.AcctInputGigawords),
    octetsOut: octets(Attr.AcctOutputOctets, Attr.AcctOutputGigawords),
  }
}
