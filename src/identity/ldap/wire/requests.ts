import ldapjs from 'ldapjs'

/** A filter object of ldapjs: it is coded by length and value, so no value can end it early. */
export interface LdapFilter {
  readonly type: string
}

type FilterMaker<Parts> = new (parts: Parts) => LdapFilter
type RequestMaker<Parts> = new (parts: Parts & { messageId: number }) => Encodable

/** The part of ldapjs 3 that is used. `@types/ldapjs` describes an older version and lacks most of it. */
interface Library {
  readonly AndFilter: FilterMaker<{ filters: readonly LdapFilter[] }>
  readonly OrFilter: FilterMaker<{ filters: readonly LdapFilter[] }>
  readonly NotFilter: FilterMaker<{ filter: LdapFilter }>
  readonly PresenceFilter: FilterMaker<{ attribute: string }>
  /** `raw` may be empty, `value` may not. */
  readonly EqualityFilter: FilterMaker<{ attribute: string; raw: Buffer }>
  readonly ApproximateFilter: FilterMaker<{ attribute: string; value: string }>
  readonly GreaterThanEqualsFilter: FilterMaker<{ attribute: string; value: string }>
  readonly LessThanEqualsFilter: FilterMaker<{ attribute: string; value: string }>
  readonly SubstringFilter: FilterMaker<{
    attribute: string
    initial: string
    any: readonly string[]
    final: string
  }>
  readonly ExtensibleFilter: FilterMaker<{
    attribute?: string
    rule?: string
    value: string
    dnAttributes: boolean
  }>
  readonly BindRequest: RequestMaker<{ name: string; credentials: string; controls: readonly unknown[] }>
  readonly Control: new (parts: { type: string; criticality: boolean; value: undefined }) => unknown
  readonly PagedResultsControl: new (parts: { criticality: boolean; value: PageWanted }) => unknown
  readonly SearchRequest: RequestMaker<
    Omit<SearchOrder, 'base' | 'page'> & { baseObject: NameAsSpelled; controls: readonly unknown[] }
  >
  readonly ExtendedRequest: RequestMaker<{ requestName: string }>
  readonly UnbindRequest: RequestMaker<unknown>
}

interface Encodable {
  toBer(): { readonly buffer: Buffer }
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

/** Asks for what the server's password policy says; a server that has none ignores it (RFC 4511 §4.1.11). */
const POLICY_CONTROL = new library.Control({
  type: '1.3.6.1.4.1.42.2.27.8.5.1', // draft-behera-ldap-password-policy §6.1
  criticality: false,
  value: undefined,
})

/**
 * A distinguished name that is sent unchanged. ldapjs would parse and respell it, which never ends for some names and
 * changes others; it takes any object that calls itself an `LdapDn` as it is.
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
  /** One page of a longer list (RFC 2696). */
  readonly page?: PageWanted
}

interface PageWanted {
  /** Entries at most. */
  readonly size: number
  /** What came with the page before; empty for the first. */
  readonly cookie: Buffer
}

export function encodeBind(messageId: number, name: string, credentials: string): Buffer {
  return new library.BindRequest({ messageId, name, credentials, controls: [POLICY_CONTROL] }).toBer().buffer
}

/** A bind as the account that the server knows the connection's other end by (RFC 4513 §5.2.3). */
export function encodeExternalBind(messageId: number): Buffer {
  const credentials = tagged(0xa3, tagged(0x04, Buffer.from('EXTERNAL')), tagged(0x04))
  const request = tagged(0x60, tagged(0x02, Buffer.from([3])), tagged(0x04), credentials)
  return tagged(0x30, tagged(0x02, unsigned(messageId)), request)
}

/** Up to 127 octets. */
function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const octets = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag, octets.length]), octets])
}

/** In as few octets as hold it with a leading zero bit. */
function unsigned(value: number): Buffer {
  const octets = Buffer.alloc(5)
  octets.writeUInt32BE(value, 1)
  const length = Math.floor(value.toString(2).length / 8) + 1
  return octets.subarray(5 - length)
}

export function encodeSearch(messageId: number, { base, page, ...order }: SearchOrder): Buffer {
  const baseObject = new NameAsSpelled(base)
  // Critical: a server that does not know it would send everything at once.
  const controls =
    page === undefined ? [] : [new library.PagedResultsControl({ criticality: true, value: page })]
  return new library.SearchRequest({ messageId, baseObject, ...order, controls }).toBer().buffer
}

export function encodeStartTls(messageId: number): Buffer {
  return new library.ExtendedRequest({ messageId, requestName: START_TLS }).toBer().buffer
}

export function encodeUnbind(messageId: number): Buffer {
  return new library.UnbindRequest({ messageId }).toBer().buffer
}
