import type { DropReason } from '../domain/traffic.ts'
import { checkAccountingAuthenticator, checkMessageAuthenticator } from '../radius/authenticators.ts'
import { Attr, Code } from '../radius/codes.ts'
import { first, integer, type Packet } from '../radius/packet.ts'
import { TLS_ALONE } from '../radius/radius-1-1.ts'
import { readAccessRequest } from './access-request.ts'
import type { RadiusClient } from './client-table.ts'

/** Is the packet from the client whose address or connection it came by? @returns why it is not to be believed. */
export function verify(packet: Packet, client: RadiusClient): DropReason | undefined {
  // Whose it is, the certificate has shown (RFC 9765 §4.1).
  if (client.secret === TLS_ALONE) return undefined
  const authenticator = checkMessageAuthenticator(packet, client.secret)
  if (authenticator === 'invalid') return 'bad_message_authenticator'
  if (packet.code === Code.AccountingRequest) {
    // It is signed as a whole (RFC 2866 §3), so Message-Authenticator would add nothing.
    return checkAccountingAuthenticator(packet, client.secret) ? undefined : 'bad_accounting_authenticator'
  }
  if (authenticator === 'valid') {
    if (isFromOcserv(packet)) client.sawAuthenticator()
    return undefined
  }
  // What carries EAP must be signed, whatever the gateway is allowed (RFC 3579 §3.2).
  if (packet.code === Code.StatusServer || first(packet, Attr.EapMessage) !== undefined)
    return 'no_message_authenticator'
  // Nobody can forge or change what comes through TLS, its Proxy-State included.
  if (client.isOverTls) return undefined
  if (client.requiresAuthenticator()) {
    client.droppedUnsigned(
      () => isFromOcserv(packet) && !('refusal' in readAccessRequest(packet, client, '', 0)),
    )
    return 'no_message_authenticator'
  }
  // Proxy-State comes back in the reply, where a forger could use it (CVE-2024-3596).
  return first(packet, Attr.ProxyState) === undefined ? undefined : 'proxy_state_unprotected'
}

const AUTHENTICATE_ONLY = 8
const ASYNC = 0

/** Whether a login was sent by ocserv, as all its versions send it, and not by radtest or a monitoring probe. */
function isFromOcserv(packet: Packet): boolean {
  const number = (type: number) => integer(first(packet, type) ?? Buffer.alloc(0))
  return (
    packet.code === Code.AccessRequest &&
    number(Attr.ServiceType) === AUTHENTICATE_ONLY &&
    number(Attr.NasPortType) === ASYNC &&
    first(packet, Attr.CallingStationId) !== undefined &&
    first(packet, Attr.NasPort) === undefined
  )
}
