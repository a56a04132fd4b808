import { Attr } from './codes.ts'
import { encodePacket, type NewAttribute, type Packet } from './packet.ts'

/**
 * In place of a shared secret: RADIUS/1.1 (RFC 9765), in which TLS protects the whole packet, and nothing in it is signed or
 * hidden by a secret.
 */
export const TLS_ALONE = 'tls alone'

/** The four octets of the Token, which are the first of what was the authenticator, and twelve reserved ones (RFC 9765 §4.1). */
const TOKEN_LENGTH = 4
const RESERVED = Buffer.alloc(12)
const MAX_PASSWORD_LENGTH = 128

/** What tells the requests of a connection apart and ties a reply to one (RFC 9765 §4.2). @returns four octets, a view. */
export function tokenOf(packet: Packet): Buffer {
  return packet.authenticator.subarray(0, TOKEN_LENGTH)
}

/** A request without what means nothing in RADIUS/1.1 and is to be ignored (RFC 9765 §5.2). */
export function withoutMessageAuthenticator(packet: Packet): Packet {
  const attributes = packet.attributes.filter(({ type }) => type !== Attr.MessageAuthenticator)
  return attributes.length === packet.attributes.length ? packet : { ...packet, attributes }
}

/** The password, which is not hidden (RFC 9765 §5.1.1). @returns undefined where it is not 1 to 128 octets. */
export function plainUserPassword(value: Buffer): Buffer | undefined {
  return value.length >= 1 && value.length <= MAX_PASSWORD_LENGTH ? value : undefined
}

/**
 * Writes the reply to a request: its Token, the attributes, then its Proxy-State (RFC 2865 §5.33).
 * @throws PacketTooLong past 4096 octets, or where a value is longer than 253.
 * @throws RangeError where the attributes hold a Message-Authenticator or Proxy-State of their own.
 */
export function tokenReply(reply: {
  readonly code: number
  readonly request: Packet
  readonly attributes: Iterable<NewAttribute>
}): Buffer {
  const { code, request } = reply
  const attributes = [...reply.attributes]
  const own = attributes.find(({ type }) => type === Attr.MessageAuthenticator || type === Attr.ProxyState)
  if (own !== undefined) throw new RangeError(`attribute ${own.type} of a reply is not the caller's to give`)
  attributes.push(...request.attributes.filter(({ type }) => type === Attr.ProxyState))
  const authenticator = Buffer.concat([tokenOf(request), RESERVED])
  return encodePacket({ code, identifier: 0, authenticator, attributes })
}
