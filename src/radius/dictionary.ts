import { isUtf8 } from 'node:buffer'
import { fileURLToPath } from 'node:url'
import radius from 'radius'
import { addressText, ipv4Octets, ipv6Octets, ipv6PrefixOctets, ipv6PrefixText } from './addresses.ts'
import { Attr, Vendor } from './codes.ts'
import type { NewAttribute, Packet } from './packet.ts'

const NO_VENDOR = -1
const VENDORS: readonly number[] = Object.values(Vendor)
const TYPE = 2
const NUMBERS_BY_NAME = 4
const MODIFIERS = 5
const MAX_INTEGER = 0xffff_ffff
const MAX_VALUE_LENGTH = 253
const MAX_SHOWN_LENGTH = 60

/** User-, CHAP-, Tunnel- and ARAP-Password: a password, hidden or hashed. A misspelt name is caught too. */
const CREDENTIAL = /-password$/i
const HIDDEN = '***'
/** `signReply` writes these itself, where they belong. */
const WRITTEN_BY_THE_BROKER = new Set(['Message-Authenticator', 'Proxy-State'])

radius.add_dictionary(fileURLToPath(new URL('./dictionaries', import.meta.url)))
radius.load_dictionaries()

/** A value that its attribute cannot carry, or an attribute that nobody knows. */
export class AttributeError extends Error {
  override readonly name = 'AttributeError'
  readonly attribute: string
  /** As it may be shown: shortened, and `***` where it is a credential. */
  readonly value: string

  constructor(attribute: string, value: string | number | Buffer, problem: string) {
    const shown = CREDENTIAL.test(attribute) ? HIDDEN : shorten(value)
    super(`${attribute} = ${shown}: ${problem}`)
    this.attribute = attribute
    this.value = shown
  }
}

function shorten(value: string | number | Buffer): string {
  if (Buffer.isBuffer(value)) return `a value of ${value.length} octets`
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text
}

interface Entry {
  readonly name: string
  readonly vendor: number
  readonly type: string
  readonly numbersByName: Readonly<Record<string, string>>
  /** Carries a tag (RFC 2868 §3) or is encrypted, neither of which the package codes faithfully. */
  readonly opaque: boolean
}

function entryOf(vendor: number, name: string): Entry | undefined {
  const type = radius._attr_to(name, vendor, TYPE)
  // The package's tables hold each attribute under its number too, and a number is not a name.
  if (typeof type !== 'string' || /^\d+$/.test(name)) return undefined
  const modifiers = Object.keys(radius._attr_to(name, vendor, MODIFIERS) ?? {})
  return {
    name,
    vendor,
    type,
    numbersByName: radius._attr_to(name, vendor, NUMBERS_BY_NAME) ?? {},
    opaque: modifiers.some((modifier) => modifier === 'has_tag' || modifier.startsWith('encrypt=')),
  }
}

function lookUp(name: string): Entry | undefined {
  for (const vendor of [NO_VENDOR, ...VENDORS]) {
    const entry = entryOf(vendor, name)
    if (entry !== undefined) return entry
  }
  return undefined
}

/** Whether the dictionaries hold an attribute of exactly this name, a vendor's included. */
export function knownAttribute(name: string): boolean {
  return lookUp(name) !== undefined
}

/**
 * Codes one attribute by its name; a vendor's comes back wrapped into a Vendor-Specific (RFC 2865 §5.26).
 *
 * @param value text for text, and as UTF-8 for octets; an address, `address/length` for a prefix; a number, its
 *   digits or its dictionary name for an integer; seconds since the Unix epoch for a date. A Buffer is the value
 *   as it goes on the wire, and must have a length that the type allows.
 * @throws AttributeError where the attribute is unknown, is one that the broker writes itself, or cannot carry
 *   the value.
 */
export function encodeAttribute(name: string, value: string | number | Buffer): NewAttribute {
  const entry = lookUp(name)
  if (entry === undefined) throw new AttributeError(name, value, 'no such attribute in the dictionaries')
  if (WRITTEN_BY_THE_BROKER.has(name)) {
    throw new AttributeError(name, value, 'the broker writes this attribute itself')
  }
  const coded = Buffer.isBuffer(value) ? octetsThatFit(entry, value) : valueThatFits(entry, value)

  const attribute: Parameters<typeof radius.encode_attributes>[1][number] =
    entry.vendor === NO_VENDOR ? [name, coded] : ['Vendor-Specific', entry.vendor, [[name, coded]]]
  const written = Buffer.alloc(2 + MAX_VALUE_LENGTH)
  const length = radius.encode_attributes(written, [attribute], NO_VENDOR)
  return { type: written.readUInt8(0), value: Buffer.from(written.subarray(2, length)) }
}

/** What the package codes rightly by itself it is given as it is; the rest it is given as octets. */
function valueThatFits(entry: Entry, value: string | number): string | number | Buffer {
  const refuse = (problem: string) => new AttributeError(entry.name, value, problem)
  if (entry.opaque) throw refuse('encrypted and tagged attributes must be given as octets')
  const asText = typeof value === 'string' ? value : undefined
  switch (entry.type) {
    case 'string':
    case 'text':
      return textThatFits(entry, value)
    case 'octets':
      // The package would read a name here as that of a vendor.
      if (entry.name === 'Vendor-Specific') throw refuse('must be given as octets')
      return Buffer.from(textThatFits(entry, value), 'utf8')
    case 'integer':
      return integerThatFits(entry, value)
    case 'date': {
      const seconds = Buffer.alloc(4)
      seconds.writeUInt32BE(integerThatFits(entry, value))
      return seconds
    }
    case 'ipaddr': {
      const address = ipv4Octets(asText ?? '')
      if (address === undefined) throw refuse('not an IPv4 address')
      return address
    }
    case 'ipv6addr': {
      const address = ipv6Octets(asText ?? '')
      if (address === undefined) throw refuse('not an IPv6 address')
      return address
    }
    case 'ipv6prefix': {
      const prefix = ipv6PrefixOctets(asText ?? '')
      if (prefix === undefined)
        throw refuse('not an IPv6 prefix such as 2001:db8:1::/48, or one with host bits set')
      return prefix
    }
    default:
      throw refuse(`attributes of type ${entry.type} must be given as octets`)
  }
}

function textThatFits(entry: Entry, value: string | number): string {
  const refuse = (problem: string) => new AttributeError(entry.name, value, problem)
  if (typeof value !== 'string') throw refuse('not text')
  if (value === '') throw refuse('empty')
  // A NUL ends the text for every reader in C; half a surrogate pair has no UTF-8.
  if (value.includes('\0') || !value.isWellFormed()) throw refuse('holds a character that text cannot carry')
  const length = Buffer.byteLength(value, 'utf8')
  if (length > MAX_VALUE_LENGTH) throw refuse(`${length} octets; ${MAX_VALUE_LENGTH} is the most`)
  return value
}

function integerThatFits(entry: Entry, value: string | number): number {
  const named = typeof value === 'string' && Object.hasOwn(entry.numbersByName, value)
  const digits = named ? entry.numbersByName[value] : value
  const number = typeof digits === 'string' && /^\d{1,10}$/.test(digits) ? Number(digits) : digits
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= MAX_INTEGER)
    return number
  const names =
    Object.keys(entry.numbersByName).length > 0 ? ', nor a name that the dictionary has for one' : ''
  throw new AttributeError(entry.name, value, `not a whole number from 0 to ${MAX_INTEGER}${names}`)
}

function octetsThatFit(entry: Entry, value: Buffer): Buffer {
  const exact = { integer: 4, ipaddr: 4, date: 4, ipv6addr: 16, ifid: 8, short: 2 }[entry.type]
  const fits =
    entry.type === 'ipv6prefix'
      ? ipv6PrefixText(value) !== undefined
      : exact === undefined
        ? value.length >= 1 && value.length <= MAX_VALUE_LENGTH
        : value.length === exact
  if (!fits) throw new AttributeError(entry.name, value, `does not fit an attribute of type ${entry.type}`)
  return value
}

/**
 * A packet's attributes as people read them, in their order: names and values as the dictionaries have them,
 * what is unknown by its number and in hex. Control characters are escaped, so that what a stranger sent can go
 * to a terminal or a log. Passwords read `***`. Never throws.
 */
export function describeAttributes(packet: Packet): { name: string; value: string }[] {
  return packet.attributes.flatMap(({ type, value, offset }) =>
    type === Attr.VendorSpecific
      ? describeVendorSpecific(value)
      : [describe(NO_VENDOR, packet.raw.subarray(offset - 2, offset + value.length), `Attr-${type}`)],
  )
}

function describeVendorSpecific(value: Buffer): { name: string; value: string }[] {
  if (value.length < 4) return [{ name: 'Vendor-Specific', value: hex(value) }]
  const vendor = value.readUInt32BE(0)
  const unknown = `Vendor-${vendor}`
  if (!VENDORS.includes(vendor) || value.length === 4)
    return [{ name: unknown, value: hex(value.subarray(4)) }]
  const described: { name: string; value: string }[] = []
  for (let at = 4; at < value.length; ) {
    const end = at + (value[at + 1] ?? 0)
    if (end < at + 2 || end > value.length) {
      described.push({ name: unknown, value: unnamed(vendor, value.subarray(at)) })
      break
    }
    described.push(describe(vendor, value.subarray(at, end), `${unknown}-Attr-${value[at]}`))
    at = end
  }
  return described
}

/** @param attribute with its header. */
function describe(vendor: number, attribute: Buffer, unknownName: string): { name: string; value: string } {
  const name = radius.attr_id_to_name(attribute.readUInt8(0), vendor)
  const value = attribute.subarray(2)
  const entry = typeof name === 'string' ? entryOf(vendor, name) : undefined
  if (entry === undefined) return { name: unknownName, value: unnamed(vendor, value) }
  if (CREDENTIAL.test(entry.name)) return { name: entry.name, value: HIDDEN }
  return { name: entry.name, value: readable(entry, attribute) ?? hex(value) }
}

/** Of Microsoft's other attributes most hold a password's hash or a key (RFC 2548 §2). */
function unnamed(vendor: number, value: Buffer): string {
  return vendor === Vendor.Microsoft ? HIDDEN : hex(value)
}

/** @returns undefined where the value does not fit the attribute's type, or has no form but its octets. */
function readable(entry: Entry, attribute: Buffer): string | undefined {
  const value = attribute.subarray(2)
  if (entry.opaque) return undefined
  switch (entry.type) {
    case 'string':
    case 'text':
      return isUtf8(value) ? value.toString('utf8').replace(UNPRINTABLE, escaped) : undefined
    case 'octets':
      return isUtf8(value) && value.toString('utf8').search(UNPRINTABLE) < 0
        ? value.toString('utf8')
        : undefined
    case 'ipaddr':
      return value.length === 4 ? addressText(value) : undefined
    case 'ipv6addr':
      return value.length === 16 ? addressText(value) : undefined
    case 'ipv6prefix':
      return ipv6PrefixText(value)
    case 'integer':
    case 'date':
      return value.length === 4 ? readByPackage(entry, attribute) : undefined
    default:
      return undefined
  }
}

/** A number comes back by its dictionary name where it has one, a date as a Date. */
function readByPackage(entry: Entry, attribute: Buffer): string {
  const decoded: Record<string, unknown> = {}
  radius.decode_attributes(attribute, decoded, entry.vendor)
  const value = decoded[entry.name]
  return value instanceof Date ? value.toISOString() : String(value)
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}

function hex(octets: Buffer): string {
  return `0x${octets.toString('hex')}`
}
