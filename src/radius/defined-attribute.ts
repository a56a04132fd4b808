import { AttributeError, type Entry, valueThatFits } from './attribute-value.ts'
import { Attr } from './codes.ts'
import type { NewAttribute } from './packet.ts'

/** An attribute as an operator's dictionary defines it. Plain JSON. */
export interface DefinedAttribute {
  /** Private enterprise number; absent: RFC 2865's own space. */
  readonly vendor?: number
  /** 1 to 255. */
  readonly number: number
  /** A type of `CODED_TYPES`. */
  readonly type: string
  /** Numbers, as text, by their names. */
  readonly values?: Readonly<Record<string, string>>
}

/** What the broker codes, by the names that FreeRADIUS and radcli have for it. */
export const CODED_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  text: 'string',
  octets: 'octets',
  integer: 'integer',
  uint32: 'integer',
  byte: 'byte',
  uint8: 'byte',
  short: 'short',
  uint16: 'short',
  date: 'date',
  time: 'date',
  ipaddr: 'ipaddr',
  ipv4addr: 'ipaddr',
  ipv6addr: 'ipv6addr',
  ipv6prefix: 'ipv6prefix',
}

/** Octets of whole numbers, by type. */
const WIDTHS: Readonly<Record<string, number>> = { byte: 1, short: 2, integer: 4, date: 4 }
const MAX_OCTETS = 255
/** Type and length of an attribute. */
const HEADER = 2
const VENDOR_OCTETS = 4

/** Codes one attribute; a vendor's is wrapped into a Vendor-Specific (RFC 2865 §5.26). @throws AttributeError */
export function encodeDefined(
  name: string,
  { vendor, number, type, values = {} }: DefinedAttribute,
  value: string | number,
): NewAttribute {
  const width = WIDTHS[type]
  // Narrower numbers are read as the widest, and must fit.
  const entry = { name, vendor: vendor ?? -1, type, numbersByName: values, opaque: false }
  const coded = width === undefined ? textOrAddress(entry, value) : wholeNumber(entry, value, width)
  const most = MAX_OCTETS - HEADER - (vendor === undefined ? 0 : VENDOR_OCTETS + HEADER)
  if (coded.length > most)
    throw new AttributeError(name, value, `${coded.length} octets; ${most} is the most`)
  if (vendor === undefined) return { type: number, value: coded }
  const head = Buffer.alloc(VENDOR_OCTETS + HEADER)
  head.writeUInt32BE(vendor)
  head.writeUInt8(number, VENDOR_OCTETS)
  head.writeUInt8(HEADER + coded.length, VENDOR_OCTETS + 1)
  return { type: Attr.VendorSpecific, value: Buffer.concat([head, coded]) }
}

function textOrAddress(entry: Entry, value: string | number): Buffer {
  const fitting = valueThatFits(entry, value)
  return Buffer.isBuffer(fitting) ? fitting : Buffer.from(String(fitting))
}

function wholeNumber(entry: Entry, value: string | number, width: number): Buffer {
  const number = Number(valueThatFits({ ...entry, type: 'integer' }, value))
  const most = 256 ** width - 1
  if (number > most) throw new AttributeError(entry.name, value, `not a whole number from 0 to ${most}`)
  const coded = Buffer.alloc(width)
  coded.writeUIntBE(number, 0, width)
  return coded
}
