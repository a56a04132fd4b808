import { isUtf8 } from 'node:buffer'
import type { Attempt } from '../domain/attempt.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { canonicalAddress } from '../domain/network.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import { Secret } from '../domain/secret.ts'
import { Attr } from '../radius/codes.ts'
import { all, first, type Packet } from '../radius/packet.ts'
import { decryptUserPassword } from '../radius/user-password.ts'
import type { Peer } from './gateway-table.ts'

const GARBLED = /\p{Cc}/u

/** Reads an authentic Access-Request as ocserv sends it. What cannot be a login is refused, never dropped: silence costs ocserv 40 s. */
export function readAccessRequest(
  packet: Packet,
  peer: Peer,
  { id, deadline }: Pick<Attempt, 'id' | 'deadline'>,
): Attempt | Refusal {
  const userName = first(packet, Attr.UserName)
  const name = userName === undefined ? undefined : parseLoginName(textOf(userName))
  if (name === undefined) return refuse('malformed_request', 'no User-Name that could be a user')
  const [encrypted, ...more] = all(packet, Attr.UserPassword)
  if (encrypted === undefined || more.length > 0) {
    return refuse(
      'malformed_request',
      `${more.length > 0 ? 'several' : 'no'} User-Password; only PAP is spoken here`,
    )
  }
  const password = decryptUserPassword(encrypted, packet.authenticator, peer.secret)
  if (password === undefined)
    return refuse('malformed_request', `a User-Password of ${encrypted.length} octets`)
  const typed = textOf(password)
  if (GARBLED.test(typed)) {
    return refuse(
      'malformed_request',
      `the password of ${peer.gateway.name} is garbled: the shared secrets differ?`,
    )
  }
  const address = optionalText(packet, Attr.CallingStationId)
  return {
    id,
    name,
    typed: new Secret(typed),
    gateway: peer.gateway.name,
    address: address === undefined ? undefined : canonicalAddress(address),
    state: optionalText(packet, Attr.State),
    session: optionalText(packet, Attr.AcctSessionId),
    client: optionalText(packet, Attr.ConnectInfo),
    deadline,
  }
}

/** Text by RFC 2865 is UTF-8; some AnyConnect clients send Latin-1, in which every octet is a character. */
function textOf(value: Buffer): string {
  return isUtf8(value) ? value.toString('utf8') : value.toString('latin1')
}

/** An attribute's text, absent where it is missing or empty; control characters, which no gateway sends, are cut out. */
export function optionalText(packet: Packet, type: number): string | undefined {
  const value = first(packet, type)
  const text = value === undefined ? '' : textOf(value).replaceAll(/\p{Cc}/gu, '')
  return text === '' ? undefined : text
}
