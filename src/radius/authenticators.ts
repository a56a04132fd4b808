import { timingSafeEqual } from 'node:crypto'
import { Attr, Code } from './codes.ts'
import { encodePacket, type NewAttribute, type Packet } from './packet.ts'
import type { SharedSecret } from './shared-secret.ts'

export type MessageAuthenticatorCheck = 'valid' | 'absent' | 'invalid'

const LENGTH = 16
const AUTHENTICATOR_AT = 4
/** Where the value of a packet's first attribute begins. */
const FIRST_VALUE_AT = 22
const ZEROS = Buffer.alloc(LENGTH)
/** A Message-Authenticator before it is computed. */
const UNSIGNED: NewAttribute = { type: Attr.MessageAuthenticator, value: ZEROS }

/**
 * Checks Message-Authenticator (RFC 3579 §3.2) over the packet's own octets, in constant time. An attribute
 * of the wrong length is invalid, and so are two of them: which one counts would be the sender's choice.
 *
 * @param requestAuthenticator for a reply, and only for one: the authenticator of the request that it answers.
 */
export function checkMessageAuthenticator(
  packet: Packet,
  secret: SharedSecret,
  requestAuthenticator?: Buffer,
): MessageAuthenticatorCheck {
  let received: Buffer | undefined
  let valueAt = 0
  for (const { type, value, offset } of packet.attributes) {
    if (type !== Attr.MessageAuthenticator) continue
    if (received !== undefined || value.length !== LENGTH) return 'invalid'
    received = value
    valueAt = offset
  }
  if (received === undefined) return 'absent'
  const authenticator = requestAuthenticator ?? authenticatorThatCounts(packet)
  return timingSafeEqual(received, secret.messageAuthenticator(packet.raw, authenticator, valueAt))
    ? 'valid'
    : 'invalid'
}

/**
 * An Accounting-Request's authenticator is itself a digest over the packet, Message-Authenticator included,
 * so it is made last and counts as zeros before; that of the other requests is random and counts as it is.
 */
function authenticatorThatCounts(request: Packet): Buffer {
  return request.code === Code.AccountingRequest ? ZEROS : request.authenticator
}

/** Checks the authenticator of an Accounting-Request (RFC 2866 §3) in constant time. */
export function checkAccountingAuthenticator(packet: Packet, secret: SharedSecret): boolean {
  return timingSafeEqual(packet.authenticator, secret.authenticator(packet.raw, ZEROS))
}

/**
 * Checks a reply against the request that it answers: its authenticator (RFC 2865 §3) and its
 * Message-Authenticator. Whether one that is absent may be believed is for the caller to say.
 *
 * @param requestAuthenticator the 16 octets that the request was sent with.
 */
export function checkReply(
  reply: Packet,
  requestAuthenticator: Buffer,
  secret: SharedSecret,
): { authenticator: boolean; messageAuthenticator: MessageAuthenticatorCheck } {
  return {
    authenticator: timingSafeEqual(
      reply.authenticator,
      secret.authenticator(reply.raw, requestAuthenticator),
    ),
    messageAuthenticator: checkMessageAuthenticator(reply, secret, requestAuthenticator),
  }
}

/**
 * Writes and signs the reply to a request. Message-Authenticator comes first, as the answer to Blast-RADIUS
 * (CVE-2024-3596) asks and radcli 1.5 requires; then the attributes; then the request's Proxy-State
 * attributes, unchanged and in their order (RFC 2865 §5.33).
 *
 * @param reply.messageAuthenticator true for every Access-Accept, -Reject and -Challenge.
 * @throws PacketTooLong past 4096 octets, or where a value is longer than 253.
 * @throws RangeError where the attributes hold a Message-Authenticator or Proxy-State of their own.
 */
export function signReply(reply: {
  readonly code: number
  readonly request: Packet
  readonly attributes: Iterable<NewAttribute>
  readonly secret: SharedSecret
  readonly messageAuthenticator: boolean
}): Buffer {
  const { code, request, secret, messageAuthenticator } = reply
  const attributes: NewAttribute[] = messageAuthenticator ? [UNSIGNED] : []
  for (const attribute of reply.attributes) {
    if (attribute.type === Attr.MessageAuthenticator || attribute.type === Attr.ProxyState) {
      throw new RangeError(`attribute ${attribute.type} of a reply is not the caller's to give`)
    }
    attributes.push(attribute)
  }
  for (const attribute of request.attributes) {
    if (attribute.type === Attr.ProxyState) attributes.push(attribute)
  }
  const { identifier, authenticator } = request
  const raw = encodePacket({ code, identifier, authenticator, attributes })
  if (messageAuthenticator) {
    raw.set(secret.messageAuthenticator(raw, authenticator, FIRST_VALUE_AT), FIRST_VALUE_AT)
  }
  raw.set(secret.authenticator(raw, authenticator), AUTHENTICATOR_AT)
  return raw
}

export interface NewRequest {
  /** 0 to 255. */
  readonly identifier: number
  /** Without Message-Authenticator. */
  readonly attributes: Iterable<NewAttribute>
  readonly secret: SharedSecret
  /** `true` writes it as the first attribute, `'last'` where radcli does; absent or `false` leaves it out. */
  readonly messageAuthenticator?: boolean | 'last'
}

/**
 * An Access-Request, as a client sends it (RFC 2865 §4.1). User-Password comes encrypted, with the same
 * authenticator.
 *
 * @param request.authenticator 16 octets that nobody can predict.
 * @throws PacketTooLong as `encodePacket` does.
 */
export function buildAccessRequest(request: NewRequest & { readonly authenticator: Buffer }): Buffer {
  return build(Code.AccessRequest, request.authenticator, request, request.messageAuthenticator)
}

/**
 * A Status-Server, which always carries Message-Authenticator (RFC 5997 §3).
 *
 * @param request.authenticator 16 octets that nobody can predict.
 * @throws PacketTooLong as `encodePacket` does.
 */
export function buildStatusServer(
  request: Omit<NewRequest, 'messageAuthenticator'> & { readonly authenticator: Buffer },
): Buffer {
  return build(Code.StatusServer, request.authenticator, request, true)
}

/**
 * An Accounting-Request (RFC 2866 §4.1). Its authenticator is computed: octets 4 to 20 of the result, which
 * the check of the reply needs.
 *
 * @throws PacketTooLong as `encodePacket` does.
 */
export function buildAccountingRequest(request: NewRequest): Buffer {
  const raw = build(Code.AccountingRequest, ZEROS, request, request.messageAuthenticator)
  raw.set(request.secret.authenticator(raw, ZEROS), AUTHENTICATOR_AT)
  return raw
}

/**
 * A Disconnect-Request (RFC 5176 §2.1). Its authenticator is computed as an Accounting-Request's, after
 * Message-Authenticator, which it always carries (§3.4).
 *
 * @throws PacketTooLong as `encodePacket` does.
 */
export function buildDisconnectRequest(request: Omit<NewRequest, 'messageAuthenticator'>): Buffer {
  const raw = build(Code.DisconnectRequest, ZEROS, request, true)
  raw.set(request.secret.authenticator(raw, ZEROS), AUTHENTICATOR_AT)
  return raw
}

function build(
  code: number,
  authenticator: Buffer,
  request: Pick<NewRequest, 'identifier' | 'attributes' | 'secret'>,
  messageAuthenticator: boolean | 'last' = false,
): Buffer {
  const { identifier, secret } = request
  const attributes = [...request.attributes]
  if (messageAuthenticator === true) attributes.unshift(UNSIGNED)
  if (messageAuthenticator === 'last') attributes.push(UNSIGNED)
  const raw = encodePacket({ code, identifier, authenticator, attributes })
  if (messageAuthenticator !== false) {
    const valueAt = messageAuthenticator === 'last' ? raw.length - LENGTH : FIRST_VALUE_AT
    raw.set(secret.messageAuthenticator(raw, authenticator, valueAt), valueAt)
  }
  return raw
}
