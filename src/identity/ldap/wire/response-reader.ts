import { isUtf8 } from 'node:buffer'

export type ResultOf = 'bind' | 'search' | 'extended'

/** How an operation ended (RFC 4511 §4.1.9). */
export interface Result {
  readonly code: number
  /** The server's own words, for operators. */
  readonly diagnostic: string
  /** Values of the controls that came with it, by number (RFC 4511 §4.1.11); empty where a control has none. */
  readonly controls: ReadonlyMap<string, Buffer>
}

export interface Entry {
  /** As the server spells it. */
  readonly dn: string
  /** Values by attribute in lower case. */
  readonly attributes: ReadonlyMap<string, readonly string[]>
  /** Attributes of which the server sent only the first values, and the position of the next one (MS-ADTS §3.1.1.3.1.3.3). */
  readonly cut: ReadonlyMap<string, number>
}

/** One message of a server (RFC 4511 §4). `reference` says to look elsewhere, which is never followed (§4.5.3). */
export type Response =
  | { readonly kind: 'entry'; readonly id: number; readonly entry: Entry }
  | { readonly kind: 'result'; readonly id: number; readonly of: ResultOf; readonly result: Result }
  | { readonly kind: 'reference'; readonly id: number }

/** The message is malformed, or is not one that a server sends to a client. */
export class MalformedResponse extends Error {
  override readonly name = 'MalformedResponse'
}

/** Of the attributes that are asked for, the only one that is no text. */
const SID = 'objectsid'

const SEQUENCE = 0x30
const SET = 0x31
const BOOLEAN = 0x01
const INTEGER = 0x02
const OCTETS = 0x04
const ENUMERATED = 0x0a
const ENTRY = 0x64
const REFERENCE = 0x73
const CONTROLS = 0xa0
const NO_CONTROLS: Result['controls'] = new Map()
const NO_VALUE = Buffer.alloc(0)
const RESULTS: ReadonlyMap<number, ResultOf> = new Map([
  [0x61, 'bind'],
  [0x65, 'search'],
  [0x78, 'extended'],
])
/** Attributes and values of one entry. The longest list that is asked for, a directory's attribute types, has a few thousand. */
const MAX_VALUES = 65_536

/**
 * Reads a whole message. Every length must fit exactly into what is around it. Of a result neither the matched name nor
 * referrals are read, nor controls of an entry or a reference; their lengths are checked all the same.
 * @throws MalformedResponse
 */
export function readResponse(frame: Buffer): Response {
  return new Reader(frame).message()
}

/** Reads a message from start to end. After each header `#at` is the start of the element's content, `#end` its end. */
class Reader {
  readonly #octets: Buffer
  #at = 0
  #tag = 0
  /** Where the content of the latest element ends. */
  #end = 0
  #values = 0

  constructor(octets: Buffer) {
    this.#octets = octets
  }

  message(): Response {
    const whole = this.#octets.length
    this.#expect(SEQUENCE, whole)
    if (this.#end !== whole) throw malformed()
    const id = this.#messageId(whole)
    this.#next(whole)
    const tag = this.#tag
    const end = this.#end
    const response = this.#operation(tag, end, id)
    this.#at = end
    if (end === whole) return response
    // Nothing may follow the operation but controls.
    this.#expect(CONTROLS, whole)
    if (this.#end !== whole) throw malformed()
    if (response.kind !== 'result') return response
    return { ...response, result: { ...response.result, controls: this.#controls(whole) } }
  }

  #operation(tag: number, end: number, id: number): Response {
    if (tag === ENTRY) return { kind: 'entry', id, entry: this.#entry(end) }
    if (tag === REFERENCE) {
      while (this.#at < end) this.#skip(OCTETS, end)
      return { kind: 'reference', id }
    }
    const of = RESULTS.get(tag)
    if (of === undefined) throw malformed()
    return { kind: 'result', id, of, result: this.#result(end) }
  }

  /** From 0 to 2^31 - 1 (RFC 4511 §4.1.1.1). */
  #messageId(limit: number): number {
    this.#expect(INTEGER, limit)
    const length = this.#end - this.#at
    const first = this.#octets[this.#at]
    if (length < 1 || length > 4 || first === undefined || first >= 0x80) throw malformed()
    const id = this.#octets.readUIntBE(this.#at, length)
    this.#at = this.#end
    return id
  }

  #entry(limit: number): Entry {
    this.#expect(OCTETS, limit)
    const name = this.#octets.subarray(this.#at, this.#end)
    if (!isUtf8(name)) throw malformed()
    const dn = this.#text()
    this.#expect(SEQUENCE, limit)
    if (this.#end !== limit) throw malformed()
    const attributes = new Map<string, readonly string[]>()
    const cut = new Map<string, number>()
    while (this.#at < limit) {
      this.#expect(SEQUENCE, limit)
      const end = this.#end
      this.#expect(OCTETS, end)
      if (this.#end === this.#at) throw malformed()
      this.#count()
      const { type, next } = readType(this.#text())
      if (next !== undefined) cut.set(type, next)
      // Active Directory also names the whole attribute, without values, beside a range of it.
      attributes.set(type, [...(attributes.get(type) ?? []), ...this.#setOfValues(end, type)])
    }
    return { dn, attributes, cut }
  }

  #setOfValues(limit: number, type: string): string[] {
    this.#expect(SET, limit)
    if (this.#end !== limit) throw malformed()
    const values: string[] = []
    while (this.#at < limit) {
      this.#expect(OCTETS, limit)
      this.#count()
      values.push(type === SID ? this.#sid() : this.#text())
    }
    return values
  }

  #result(limit: number): Result {
    this.#expect(ENUMERATED, limit)
    if (this.#end - this.#at !== 1) throw malformed()
    const code = this.#octets.readInt8(this.#at)
    this.#at = this.#end
    this.#skip(OCTETS, limit)
    this.#expect(OCTETS, limit)
    const diagnostic = this.#text()
    while (this.#at < limit) {
      this.#next(limit)
      if ((this.#tag & 0xc0) !== 0x80) throw malformed()
      this.#at = this.#end
    }
    return { code, diagnostic, controls: NO_CONTROLS }
  }

  #controls(limit: number): ReadonlyMap<string, Buffer> {
    const controls = new Map<string, Buffer>()
    while (this.#at < limit) {
      this.#expect(SEQUENCE, limit)
      const end = this.#end
      this.#expect(OCTETS, end)
      this.#count()
      const number = this.#text()
      if (this.#at < end && this.#octets[this.#at] === BOOLEAN) this.#skip(BOOLEAN, end)
      let value: Buffer = NO_VALUE
      if (this.#at < end) {
        this.#expect(OCTETS, end)
        value = this.#octets.subarray(this.#at, this.#end)
        this.#at = this.#end
      }
      if (this.#at !== end) throw malformed()
      controls.set(number, value)
    }
    return controls
  }

  #text(): string {
    const text = this.#at === this.#end ? '' : this.#octets.toString('utf8', this.#at, this.#end)
    this.#at = this.#end
    return text
  }

  /** A security identifier as text: `S-1-5-21-…` (MS-DTYP §2.4.2). */
  #sid(): string {
    const octets = this.#octets.subarray(this.#at, this.#end)
    if (octets[0] !== 1 || octets.length !== 8 + 4 * (octets[1] ?? 0)) return this.#text()
    this.#at = this.#end
    const parts = Array.from({ length: octets[1] ?? 0 }, (_, index) => octets.readUInt32LE(8 + 4 * index))
    return ['S', 1, octets.readUIntBE(2, 6), ...parts].join('-')
  }

  #count(): void {
    this.#values += 1
    if (this.#values > MAX_VALUES)
      throw new MalformedResponse(`it sent an entry of over ${MAX_VALUES} values`)
  }

  #skip(tag: number, limit: number): void {
    this.#expect(tag, limit)
    this.#at = this.#end
  }

  #expect(tag: number, limit: number): void {
    this.#next(limit)
    if (this.#tag !== tag) throw malformed()
  }

  /** Reads the header of the element here. LDAP has only definite lengths and small tags (RFC 4511 §5.1). */
  #next(limit: number): void {
    const at = this.#at
    if (limit - at < 2) throw malformed()
    const tag = this.#octets[at] ?? 0
    const first = this.#octets[at + 1] ?? 0
    if ((tag & 0x1f) === 0x1f) throw malformed()
    const octets = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + octets
    if (first === 0x80 || octets > 4 || start > limit) throw malformed()
    const end = start + (octets === 0 ? first : this.#octets.readUIntBE(at + 2, octets))
    if (end > limit) throw malformed()
    this.#tag = tag
    this.#at = start
    this.#end = end
  }
}

function malformed(): MalformedResponse {
  return new MalformedResponse('it sent a message that cannot be read')
}

/** Active Directory returns long lists as `memberOf;range=0-1499`, and their end as `memberOf;range=1500-*`. */
function readType(text: string): { readonly type: string; readonly next?: number } {
  const whole = text.toLowerCase()
  const [range, last] = /;range=\d+-(\d{1,9}|\*)$/.exec(whole) ?? []
  if (range === undefined) return { type: whole }
  const type = whole.slice(0, -range.length)
  return last === '*' ? { type } : { type, next: Number(last) + 1 }
}
