import { ipv4Octets, ipv6Octets, ipv6PrefixOctets, ipv6PrefixText } from './addresses.ts'

const MAX_INTEGER = 0xffff_ffff
export const MAX_VALUE_LENGTH = 253
const MAX_SHOWN_LENGTH = 60

/** User-, CHAP-, Tunnel- and ARAP-Password: a password, hidden or hashed. A misspelt name is caught too. */
export const CREDENTIAL = /-password$/i
export const HIDDEN = '***'

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

export interface Entry {
  readonly name: string
  readonly vendor: number
  readonly type: string
  readonly numbersByName: Readonly<Record<string, string>>
  /** Carries a tag (RFC 2868 §3) or is encrypted, neither of which the package codes faithfully. */
  readonly opaque: boolean
}

/** The value in a form that the package encodes correctly: as it is, or as octets. */
export function valueThatFits(entry: Entry, value: string | number): string | number | Buffer {
  const refuse = (problem: string): never => {
    throw new AttributeError(entry.name, value, problem)
  }
  if (entry.opaque) return refuse('encrypted and tagged attributes must be given as octets')
  const text = typeof value === 'string' ? value : ''
  switch (entry.type) {
    case 'string':
    case 'text':
      return textThatFits(entry, value)
    case 'octets':
      // The package would read a name here as that of a vendor.
      if (entry.name === 'Vendor-Specific') return refuse('must be given as octets')
      return Buffer.from(textThatFits(entry, value), 'utf8')
    case 'integer':
      return integerThatFits(entry, value)
    case 'date': {
      const seconds = Buffer.alloc(4)
      seconds.writeUInt32BE(integerThatFits(entry, value))
      return seconds
    }
    case 'ipaddr':
      return ipv4Octets(text) ?? refuse('not an IPv4 address')
    case 'ipv6addr':
      return ipv6Octets(text) ?? refuse('not an IPv6 address')
    case 'ipv6prefix':
      return ipv6PrefixOctets(text) ?? refuse('not an IPv6 prefix such as 2001:db8:1::/48')
    default:
      return refuse(`attributes of type ${entry.type} must be given as octets`)
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

export function octetsThatFit(entry: Entry, value: Buffer): Buffer {
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
