import ldapjs from 'ldapjs'

/** A filter object of ldapjs: it is coded by length and value, so no value can end it early. */
export interface LdapFilter {
  readonly type: string
}

/** What is used of ldapjs 3. `@types/ldapjs` describes an older one and leaves most of this out. */
interface Library {
  readonly AndFilter: new (parts: { filters: readonly LdapFilter[] }) => LdapFilter
  readonly OrFilter: new (parts: { filters: readonly LdapFilter[] }) => LdapFilter
  readonly NotFilter: new (part: { filter: LdapFilter }) => LdapFilter
  readonly PresenceFilter: new (parts: { attribute: string }) => LdapFilter
  /** `raw` may be empty, `value` may not. */
  readonly EqualityFilter: new (parts: {
    attribute: string
    raw: Buffer
  }) => LdapFilter
  readonly ApproximateFilter: new (parts: { attribute: string; value: string }) => LdapFilter
  readonly GreaterThanEqualsFilter: new (parts: { attribute: string; value: string }) => LdapFilter
  readonly LessThanEqualsFilter: new (parts: { attribute: string; value: string }) => LdapFilter
  readonly SubstringFilter: new (parts: {
    attribute: string
    initial: string
    any: readonly string[]
    final: string
  }) => LdapFilter
  readonly ExtensibleFilter: new (parts: {
    attribute?: string
    rule?: string
    value: string
    dnAttributes: boolean
  }) => LdapFilter
  readonly BindRequest: new (parts: { messageId: number; name: string; credentials: string }) => Encodable
  readonly SearchRequest: new (parts: {
    messageId: number
    baseObject: NameAsSpelled
    scope: 'base' | 'one' | 'sub'
    filter: LdapFilter
    sizeLimit: number
    timeLimit: number
    attributes: readonly string[]
  }) => Encodable
  readonly ExtendedRequest: new (parts: { messageId: number; requestName: string }) => Encodable
  readonly UnbindRequest: new (parts: { messageId: number }) => Encodable
  readonly Parser: new () => {
    on(event: 'message', listener: (message: DecodedMessage) => void): void
    on(event: 'error', listener: (error: Error) => void): void
    write(frame: Buffer): unknown
  }
}

interface Encodable {
  toBer(): { readonly buffer: Buffer }
}

interface DecodedMessage {
  /** Of results. */
  readonly status?: number
  readonly diagnosticMessage?: string
  /** Of entries. */
  readonly attributes?: readonly { readonly type: string; readonly buffers: readonly Buffer[] }[]
}

const library = ldapjs as unknown as Library

export const {
  AndFilter,
  OrFilter,
  NotFilter,
  PresenceFilter,
  EqualityFilter,
  ApproximateFilter,
  GreaterThanEqualsFilter,
  LessThanEqualsFilter,
  SubstringFilter,
  ExtensibleFilter,
} = library

const START_TLS = '1.3.6.1.4.1.1466.20037' // RFC 4511 §4.14.1

/**
 * A distinguished name that goes out as it came in. ldapjs would take it apart and spell it anew, which runs for ever
 * on some names and changes others; anything that calls itself an `LdapDn` it takes as it is.
 */
class NameAsSpelled {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  get [Symbol.toStringTag](): string {
    return 'LdapDn'
  }

  toString(): string {
    return this.#text
  }
}

export interface SearchOrder {
  readonly base: string
  readonly scope: 'base' | 'one' | 'sub'
  readonly filter: LdapFilter
  /** Attributes to be returned; none is asked for by `1.1` (RFC 4511 §4.5.1.8). */
  readonly attributes: readonly string[]
  /** Entries, at most. */
  readonly sizeLimit: number
  /** Seconds that the server may take. */
  readonly timeLimit: number
}

export function encodeBind(messageId: number, name: string, credentials: string): Buffer {
  return new library.BindRequest({ messageId, name, credentials }).toBer().buffer
}

export function encodeSearch(messageId: number, { base, ...order }: SearchOrder): Buffer {
  return new library.SearchRequest({ messageId, baseObject: new NameAsSpelled(base), ...order }).toBer()
    .buffer
}

export function encodeStartTls(messageId: number): Buffer {
  return new library.ExtendedRequest({ messageId, requestName: START_TLS }).toBer().buffer
}

export function encodeUnbind(messageId: number): Buffer {
  return new library.UnbindRequest({ messageId }).toBer().buffer
}

/** Reads one message at a time, of those that `response-shape.ts` has found sound. */
export class Decoder {
  readonly #parser = new library.Parser()
  #message: DecodedMessage | undefined
  #error: Error | undefined

  constructor() {
    this.#parser.on('message', (message) => {
      this.#message = message
    })
    this.#parser.on('error', (error) => {
      this.#error = error
    })
  }

  /** @throws Error where ldapjs cannot read it. */
  decode(frame: Buffer): DecodedMessage {
    this.#message = undefined
    this.#error = undefined
    this.#parser.write(frame)
    const message: DecodedMessage | undefined = this.#message
    if (message === undefined) throw this.#error ?? new Error('no message came of it')
    return message
  }
}
