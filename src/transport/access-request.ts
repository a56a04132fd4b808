import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { LoginAttempt } from '../domain/login-attempt.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { stationAddress } from '../domain/network.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import { Secret } from '../domain/secret.ts'
import { Attr, Vendor } from '../radius/codes.ts'
import { forbiddenIn } from '../radius/occurrence.ts'
import { all, first, integer, type Packet } from '../radius/packet.ts'
import { plainUserPassword, TLS_ALONE } from '../radius/radius-1-1.ts'
import { decryptUserPassword } from '../radius/user-password.ts'
import type { RadiusClient } from './client-table.ts'

const GARBLED = /\p{Cc}/u
const PASSWORD_BLOCK = 16
/** In a Vendor-Specific, behind the vendor's number (RFC 2865 §5.26). */
const VENDOR_TYPE_AT = 4

/** A request that is no login: why, and what it says of the user all the same. */
export interface UnreadableRequest {
  readonly refusal: Refusal
  readonly user: string | undefined
  readonly address: string | undefined
}

/**
 * Reads an authentic Access-Request as ocserv sends it. What cannot be a login is refused, never dropped: without an
 * answer ocserv waits for 40 s. @param deadline monotonic milliseconds.
 */
export function readAccessRequest(
  packet: Packet,
  client: RadiusClient,
  id: string,
  deadline: number,
): LoginAttempt | UnreadableRequest {
  const userName = first(packet, Attr.UserName)
  const { charset } = client.gateway
  const name = userName === undefined ? undefined : parseLoginName(textOf(userName, charset))
  const calling = optionalText(packet, Attr.CallingStationId)
  const address = calling === undefined ? undefined : stationAddress(calling)
  const unreadable = (detail: string): UnreadableRequest => ({
    refusal: refuse('malformed_request', detail),
    user: name?.username,
    address,
  })
  const forbidden = forbiddenIn(packet) ?? kindNotSpoken(packet)
  if (forbidden !== undefined) return unreadable(forbidden)
  if (name === undefined) return unreadable('no User-Name that could be a user')
  const encrypted = first(packet, Attr.UserPassword)
  if (encrypted === undefined) return unreadable('no User-Password; only PAP is spoken here')
  const password =
    client.secret === TLS_ALONE
      ? plainUserPassword(encrypted)
      : decryptUserPassword(encrypted, packet.authenticator, client.secret)
  if (password === undefined) return unreadable(`a User-Password of ${encrypted.length} octets`)
  const typed = textOf(password, charset)
  const isSecretKnown = client.secret === TLS_ALONE || first(packet, Attr.MessageAuthenticator) !== undefined
  if (!isSecretKnown && isUnpadded(password) && (!isUtf8(password) || GARBLED.test(typed)))
    return unreadable(garbled(client))
  if (GARBLED.test(typed))
    return unreadable(`the password is not text in ${charset ?? 'UTF-8 or Latin-1'}: see gateways[].charset`)
  return {
    id,
    name,
    typed: new Secret(typed),
    gateway: client.gateway.name,
    address,
    // A Token is used again by other requests, and nobody can send again what came through TLS.
    request: client.secret === TLS_ALONE ? id : fingerprint(packet, client),
    state: optionalText(packet, Attr.State),
    session: optionalText(packet, Attr.AcctSessionId),
    client: optionalText(packet, Attr.ConnectInfo),
    deadline,
  }
}

/** Service-Type of a request that asks for no authentication (RFC 5176 §3.2). */
const AUTHORIZE_ONLY = 17
/** MS-CHAP-Response and MS-CHAP2-Response (RFC 2548 §2.1.3, §2.3.2). */
const MS_CHAP_RESPONSES: readonly number[] = [1, 25]

/** @returns which other kind of login this is, as only PAP is spoken here; undefined for PAP. */
function kindNotSpoken(packet: Packet): string | undefined {
  const service = integer(first(packet, Attr.ServiceType) ?? Buffer.alloc(0))
  if (service === AUTHORIZE_ONLY) return 'Authorize-Only (RFC 5176 §3.2) is not spoken here'
  if (first(packet, Attr.EapMessage) !== undefined) return notSpoken('EAP')
  if (first(packet, Attr.ChapPassword) !== undefined) return notSpoken('CHAP')
  const isMsChap = all(packet, Attr.VendorSpecific).some(
    (value) =>
      value.length > VENDOR_TYPE_AT &&
      value.readUInt32BE(0) === Vendor.Microsoft &&
      MS_CHAP_RESPONSES.includes(value.readUInt8(VENDOR_TYPE_AT)),
  )
  return isMsChap ? notSpoken('MS-CHAP') : undefined
}

function notSpoken(kind: string): string {
  return `${kind} is not spoken here, only PAP: set the gateway to send User-Password`
}

/**
 * What a wrong shared secret makes of a password is rarely UTF-8 and rarely ends in the padding of a shorter one. Where
 * the request is signed the secret is known to be right.
 */
function isUnpadded(password: Buffer): boolean {
  return password.length > 0 && password.length % PASSWORD_BLOCK === 0
}

function garbled({ gateway, isOverTls }: RadiusClient): string {
  const why = isOverTls ? 'its secret over TLS must be radsec' : 'the shared secrets differ?'
  return `the password of ${gateway.name} is garbled: ${why}`
}

/** Whoever has seen a request can send it again from another port, and unless it is signed with other attributes. */
function fingerprint(packet: Packet, { gateway }: RadiusClient): string {
  return createHash('sha256')
    .update(packet.authenticator)
    .update(first(packet, Attr.MessageAuthenticator) ?? '')
    .update(gateway.name)
    .digest('base64url')
}

/**
 * Text by RFC 2865 is UTF-8. Some clients send another character set, which nothing in the request names; Latin-1, in
 * which every octet is a character, where the gateway's is not configured.
 */
function textOf(value: Buffer, charset = 'latin1'): string {
  if (isUtf8(value)) return value.toString('utf8')
  // The decoder's Latin-1 is Windows-1252 (WHATWG Encoding §4.2).
  return charset === 'latin1' ? value.toString('latin1') : new TextDecoder(charset).decode(value)
}

/** An attribute's text, undefined where it is missing or empty, without control characters, which no gateway sends. */
export function optionalText(packet: Packet, type: number, charset?: string): string | undefined {
  const value = first(packet, type)
  const text = value === undefined ? '' : textOf(value, charset).replaceAll(/\p{Cc}/gu, '')
  return text === '' ? undefined : text
}
