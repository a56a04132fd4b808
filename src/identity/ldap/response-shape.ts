import { isUtf8 } from 'node:buffer'

/** One message of a server, found to be of the shape that RFC 4511 §4 gives it. */
export type Response =
  | {
      readonly kind: 'entry'
      readonly id: number
      /** The entry's name as the server spells it. */
      readonly dn: string
      readonly decodable: Buffer
    }
  | { readonly kind: 'result'; readonly id: number; readonly of: ResultOf; readonly decodable: Buffer }
  /** "Look elsewhere for more" (RFC 4511 §4.5.3), which is never followed. */
  | { readonly kind: 'reference'; readonly id: number }

export type ResultOf = 'bind' | 'search' | 'extended'

interface Span {
  readonly tag: number
  readonly start: number
  readonly end: number
}

const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const OCTETS = 0x04
const ENUMERATED = 0x0a
const ENTRY = 0x64
const REFERENCE = 0x73
const CONTROLS = 0xa0
const RESULTS: ReadonlyMap<number, ResultOf> = new Map([
  [0x61, 'bind'],
  [0x65, 'search'],
  [0x78, 'extended'],
])

/**
 * Looks through a whole message before ldapjs may: given a value whose length overruns its attribute, ldapjs 3 reads
 * for ever. Every length must fit exactly into what is around it.
 *
 * What ldapjs would only stumble over is cut from `decodable`: names, which it takes apart and spells anew (and reads
 * for ever where a sign stands behind a quoted part), referrals and controls, of which none was asked for.
 * @returns undefined where the message is malformed, or is none that a client is sent.
 */
export function readResponse(frame: Buffer): Response | undefined {
  const message = read(frame, 0, frame.length)
  if (message?.tag !== SEQUENCE || message.end !== frame.length) return undefined
  const number = read(frame, message.start, message.end)
  if (number?.tag !== INTEGER || !isMessageId(frame, number)) return undefined
  const operation = read(frame, number.end, message.end)
  if (operation === undefined || !endsSoundly(frame, operation, message)) return undefined

  const id = frame.readIntBE(number.start, number.end - number.start)
  const idOctets = frame.subarray(message.start, number.end)
  if (operation.tag === ENTRY) return readEntry(frame, operation, id, idOctets)
  if (operation.tag === REFERENCE)
    return isSequenceOf(frame, operation, OCTETS) ? { kind: 'reference', id } : undefined
  const of = RESULTS.get(operation.tag)
  return of === undefined ? undefined : readResult(frame, operation, id, idOctets, of)
}

/** From 0 to 2^31 - 1 (RFC 4511 §4.1.1.1). */
function isMessageId(frame: Buffer, { start, end }: Span): boolean {
  return end > start && end - start <= 4 && (frame[start] ?? 0) < 0x80
}

/** Nothing may follow the operation but controls. */
function endsSoundly(frame: Buffer, operation: Span, message: Span): boolean {
  if (operation.end === message.end) return true
  const controls = read(frame, operation.end, message.end)
  return controls?.tag === CONTROLS && controls.end === message.end
}

function readEntry(frame: Buffer, operation: Span, id: number, idOctets: Buffer): Response | undefined {
  const name = read(frame, operation.start, operation.end)
  if (name?.tag !== OCTETS || !isUtf8(frame.subarray(name.start, name.end))) return undefined
  const attributes = read(frame, name.end, operation.end)
  if (attributes?.tag !== SEQUENCE || attributes.end !== operation.end) return undefined
  for (let at = attributes.start; at < attributes.end; ) {
    const attribute = read(frame, at, attributes.end)
    if (attribute?.tag !== SEQUENCE || !isAttribute(frame, attribute)) return undefined
    at = attribute.end
  }
  const dn = frame.toString('utf8', name.start, name.end)
  const nameless = Buffer.concat([Buffer.from([OCTETS, 0]), frame.subarray(name.end, operation.end)])
  return { kind: 'entry', id, dn, decodable: wrapped(SEQUENCE, idOctets, wrapped(ENTRY, nameless)) }
}

function isAttribute(frame: Buffer, attribute: Span): boolean {
  const type = read(frame, attribute.start, attribute.end)
  if (type?.tag !== OCTETS || type.end === type.start) return false
  const values = read(frame, type.end, attribute.end)
  return values?.tag === SET && values.end === attribute.end && isSequenceOf(frame, values, OCTETS)
}

function isSequenceOf(frame: Buffer, { start, end }: Span, tag: number): boolean {
  for (let at = start; at < end; ) {
    const item = read(frame, at, end)
    if (item?.tag !== tag) return false
    at = item.end
  }
  return true
}

function readResult(
  frame: Buffer,
  operation: Span,
  id: number,
  idOctets: Buffer,
  of: ResultOf,
): Response | undefined {
  const code = read(frame, operation.start, operation.end)
  if (code?.tag !== ENUMERATED || code.end - code.start !== 1) return undefined
  const matched = read(frame, code.end, operation.end)
  if (matched?.tag !== OCTETS) return undefined
  const diagnostic = read(frame, matched.end, operation.end)
  if (diagnostic?.tag !== OCTETS) return undefined
  for (let at = diagnostic.end; at < operation.end; ) {
    const more = read(frame, at, operation.end)
    if (more === undefined || (more.tag & 0xc0) !== 0x80) return undefined
    at = more.end
  }
  const kept = Buffer.concat([
    frame.subarray(operation.start, code.end),
    Buffer.from([OCTETS, 0]),
    frame.subarray(matched.end, diagnostic.end),
  ])
  return { kind: 'result', id, of, decodable: wrapped(SEQUENCE, idOctets, wrapped(operation.tag, kept)) }
}

/** One element between `at` and `limit`. LDAP has only definite lengths and small tags (RFC 4511 §5.1). */
function read(buffer: Buffer, at: number, limit: number): Span | undefined {
  const tag = buffer[at]
  const first = buffer[at + 1]
  if (limit - at < 2 || tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  const octets = first < 0x80 ? 0 : first & 0x7f
  const start = at + 2 + octets
  if (first === 0x80 || octets > 4 || start > limit) return undefined
  const end = start + (octets === 0 ? first : buffer.readUIntBE(at + 2, octets))
  return end > limit ? undefined : { tag, start, end }
}

function wrapped(tag: number, ...content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  const header =
    length < 0x80 ? Buffer.from([tag, length]) : Buffer.from([tag, 0x83, length >> 16, length >> 8, length])
  return Buffer.concat([header, ...content])
}
