import { isUtf8 } from 'node:buffer'
import { fileURLToPath } from 'node:url'
import radius from 'radius'
import { addressText, ipv6PrefixText } from './addresses.ts'
import {
  AttributeError,
  CREDENTIAL,
  type Entry,
  HIDDEN,
  MAX_VALUE_LENGTH,
  octetsThatFit,
  valueThatFits,
} from './attribute-value.ts'
import { Attr, Vendor } from './codes.ts'
import type { NewAttribute, Packet } from './packet.ts'

const NO_VENDOR = -1
const TYPE = 2
const NUMBERS_BY_NAME = 4
const MODIFIERS = 5

/** `signReply` writes these itself, where they belong. */
const WRITTEN_BY_THE_BROKER = new Set(['Message-Authenticator', 'Proxy-State'])

radius.add_dictionary(fileURLToPath(new URL('./dictionaries', import.meta.url)))
radius.load_dictionaries()
/** Those of which a dictionary has attributes. */
const VENDORS: readonly number[] = Object.values(Vendor)

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

/** Entries by name, since the package searches its tables for each field. */
const entries = new Map<string, Entry>()

function lookUp(name: string): Entry | undefined {
  const known = entries.get(name)
  if (known !== undefined) return known
  for (const vendor of [NO_VENDOR, ...VENDORS]) {
    const entry = entryOf(vendor, name)
    if (entry === undefined) continue
    entries.set(name, entry)
    return entry
  }
  return undefined
}

/** The dictionary name of an attribute that is no vendor's; `Attr-200` where there is none. */
export function attributeName(type: number): string {
  return radius.attr_id_to_name(type, NO_VENDOR) ?? `Attr-${type}`
}

/** The type of an attribute that is no vendor's, by its dictionary name; undefined where there is none. */
export function attributeType(name: string): number | undefined {
  return lookUp(name)?.vendor === NO_VENDOR ? Number(radius.attr_name_to_id(name, NO_VENDOR)) : undefined
}

/** The name that the dictionaries have for a number; undefined where they have none. @param vendor absent: no vendor's. */
export function nameOfNumber(number: number, vendor: number = NO_VENDOR): string | undefined {
  return radius.attr_id_to_name(number, vendor) ?? undefined
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

/**
 * A packet's attributes for people, in their order: names and values as the dictionaries have them, unknown ones by number
 * and in hex. Control characters are escaped, so that a stranger's packet can be printed to a terminal or a log. Passwords
 * read `***`. Never throws.
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

/** @returns why no reply can carry this attribute; undefined where one can. */
export function attributeFault(name: string, value: string | number): string | undefined {
  try {
    encodeAttribute(name, value)
    return undefined
  } catch (error) {
    if (error instanceof AttributeError) return error.message
    throw error
  }
}
