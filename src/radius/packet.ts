/** Octets before the first attribute: code, identifier, length, authenticator (RFC 2865 §3). */
export const HEADER_LENGTH = 20
export const MAX_PACKET_LENGTH = 4096
/** A type octet and a length octet precede every attribute's value. */
const MAX_VALUE_LENGTH = 253
/** A request with more attributes than this is an attack on the code that walks them, not a login. */
const MAX_ATTRIBUTES = 200

interface Attribute {
  /** 1 to 255. */
  readonly type: number
  /** A view into the packet, 0 to 253 octets. */
  readonly value: Buffer
  /** Octets from the packet's start to the value. */
  readonly offset: number
}

export interface Packet {
  readonly code: number
  /** 0 to 255. */
  readonly identifier: number
  /** 16 octets, a view. */
  readonly authenticator: Buffer
  /** In the order of the wire. */
  readonly attributes: readonly Attribute[]
  /** The packet's own octets, a view of the datagram without its padding. */
  readonly raw: Buffer
}

/** An attribute that is yet to be written. */
export interface NewAttribute {
  readonly type: number
  readonly value: Buffer
}

export type MalformedReason =
  | 'shorter-than-a-header'
  | 'length-out-of-range'
  | 'length-beyond-datagram'
  | 'attribute-too-short'
  | 'attribute-overrun'
  | 'attribute-type-zero'
  | 'too-many-attributes'

/** The octets are not a RADIUS packet: to be dropped without an answer (RFC 2865 §3). */
export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket'
  readonly reason: MalformedReason

  constructor(reason: MalformedReason) {
    super(`malformed RADIUS packet: ${reason}`)
    this.reason = reason
  }
}

/** What was to be written does not fit: a packet over 4096 octets or a value over 253 (RFC 2865 §3, §5). */
export class PacketTooLong extends Error {
  override readonly name = 'PacketTooLong'
}

function malformation(datagram: Buffer, maxAttributes: number): MalformedReason | undefined {
  if (datagram.length < HEADER_LENGTH) return 'shorter-than-a-header'
  const length = datagram.readUInt16BE(2)
  if (length < HEADER_LENGTH || length > MAX_PACKET_LENGTH) return 'length-out-of-range'
  if (length > datagram.length) return 'length-beyond-datagram'
  let count = 0
  let at = HEADER_LENGTH
  while (at < length) {
    if (at + 2 > length) return 'attribute-overrun'
    const attributeLength = datagram.readUInt8(at + 1)
    if (attributeLength < 2) return 'attribute-too-short'
    if (at + attributeLength > length) return 'attribute-overrun'
    if (datagram.readUInt8(at) === 0) return 'attribute-type-zero'
    if (count === maxAttributes) return 'too-many-attributes'
    count += 1
    at += attributeLength
  }
  return undefined
}

/**
 * Reads a datagram as one packet. @param maxAttributes a client that asked for a long reply may allow more than a
 * server does. @throws MalformedPacket and nothing else.
 */
export function decodePacket(datagram: Buffer, maxAttributes = MAX_ATTRIBUTES): Packet {
  const packet = parsePacket(datagram, maxAttributes)
  if (typeof packet === 'string') throw new MalformedPacket(packet)
  return packet
}

/**
 * Reads a datagram as one packet. The result holds views of `datagram`, no copies; octets past the Length
 * field are padding and left out (RFC 2865 §3).
 *
 * @returns the reason where the octets are no packet, so that a flood of such does not cost an exception each.
 */
export function parsePacket(datagram: Buffer, maxAttributes = MAX_ATTRIBUTES): Packet | MalformedReason {
  const fault = malformation(datagram, maxAttributes)
  if (fault !== undefined) return fault
  const length = datagram.readUInt16BE(2)
  const attributes: Attribute[] = []
  for (let at = HEADER_LENGTH; at < length; ) {
    const end = at + datagram.readUInt8(at + 1)
    attributes.push({ type: datagram.readUInt8(at), value: datagram.subarray(at + 2, end), offset: at + 2 })
    at = end
  }

  return {
    code: datagram.readUInt8(0),
    identifier: datagram.readUInt8(1),
    authenticator: datagram.subarray(4, HEADER_LENGTH),
    attributes,
    raw: datagram.subarray(0, length),
  }
}

/**
 * Writes a packet, attributes in the order given, into a Buffer of exactly its length.
 *
 * @throws PacketTooLong past 4096 octets, or where a value is longer than 253.
 * @throws RangeError where a number does not fit its octet, or the authenticator is not 16 octets: a fault of
 *   the caller, not of its data.
 */
export function encodePacket(packet: {
  readonly code: number
  readonly identifier: number
  readonly authenticator: Buffer
  readonly attributes: Iterable<NewAttribute>
}): Buffer {
  const { code, identifier, authenticator } = packet
  const attributes = [...packet.attributes]
  if (authenticator.length !== 16) throw new RangeError('an authenticator is 16 octets')

  let length = HEADER_LENGTH
  for (const { type, value } of attributes) {
    if (!Number.isInteger(type) || type < 1 || type > 255) throw new RangeError(`no attribute type: ${type}`)
    if (value.length > MAX_VALUE_LENGTH) {
      throw new PacketTooLong(`attribute ${type} has a value of ${value.length} octets; 253 is the most`)
    }
    length += 2 + value.length
  }
  if (length > MAX_PACKET_LENGTH) throw new PacketTooLong(`a packet of ${length} octets; 4096 is the most`)

  const raw = Buffer.allocUnsafe(length)
  raw.writeUInt8(code, 0)
  raw.writeUInt8(identifier, 1)
  raw.writeUInt16BE(length, 2)
  raw.set(authenticator, 4)
  let at = HEADER_LENGTH
  for (const { type, value } of attributes) {
    raw.writeUInt8(type, at)
    raw.writeUInt8(2 + value.length, at + 1)
    raw.set(value, at + 2)
    at += 2 + value.length
  }
  return raw
}

/** The value of the packet's first attribute of this type. */
export function first(packet: Packet, type: number): Buffer | undefined {
  for (const attribute of packet.attributes) if (attribute.type === type) return attribute.value
  return undefined
}

/** The values of all the packet's attributes of this type, in their order. */
export function all(packet: Packet, type: number): Buffer[] {
  const values: Buffer[] = []
  for (const attribute of packet.attributes) if (attribute.type === type) values.push(attribute.value)
  return values
}

/** A value as UTF-8 text (RFC 8044 §3.4); octets that are not UTF-8 become U+FFFD. */
export function text(value: Buffer): string {
  return value.toString('utf8')
}

/** A value as an unsigned 32-bit integer (RFC 8044 §3.1); undefined where it is not four octets. */
export function integer(value: Buffer): number | undefined {
  return value.length === 4 ? value.readUInt32BE(0) : undefined
}
