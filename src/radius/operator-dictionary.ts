import { CODED_TYPES, type DefinedAttribute } from './defined-attribute.ts'

/** What a line of a dictionary asks for, or what is wrong with it. */
type LineAnswer =
  | { readonly include: string; readonly isOptional: boolean }
  | { readonly problem: string; readonly suggestion?: string }
  | undefined

/** An attribute that is named and cannot be in a reply, and why. */
interface Unwritable {
  readonly why: string
}

/** More than the dictionaries that FreeRADIUS brings hold together. */
const MAX_ATTRIBUTES = 50_000
const MAX_ENTERPRISE = 0xffff_ffff
const MAX_NUMBER = 255
const NAME = /^[A-Za-z0-9_.:+/-]{1,128}$/
/** Words of newer dictionaries that say nothing about an attribute of this kind. */
const SKIPPED: ReadonlySet<string> = new Set([
  'PROTOCOL',
  'BEGIN-PROTOCOL',
  'END-PROTOCOL',
  'FLAGS',
  'ALIAS',
  'ENUM',
  'STRUCT',
  'MEMBER',
  'DEFINE',
  'MANUAL-TLV',
])
const KEYWORDS = ['ATTRIBUTE', 'VALUE', 'VENDOR', 'BEGIN-VENDOR', 'END-VENDOR', '$INCLUDE'] as const

/** Attributes of operators' own dictionary files, in the syntax of FreeRADIUS and radcli, read line by line. */
export class OperatorDictionary {
  readonly #vendors = new Map<string, { readonly number: number; readonly isPlain: boolean }>()
  readonly #attributes = new Map<
    string,
    (DefinedAttribute & { values: Record<string, string> }) | Unwritable
  >()
  #vendor: string | undefined
  #isInside = false

  /** @returns the attribute; or why no reply can hold it; undefined where no file names it. */
  find(name: string): DefinedAttribute | Unwritable | undefined {
    return this.#attributes.get(name)
  }

  /** What was begun in a file ends with it. */
  endOfFile(): string | undefined {
    const vendor = this.#vendor
    this.#vendor = undefined
    this.#isInside = false
    return vendor === undefined ? undefined : `BEGIN-VENDOR ${vendor} is never ended`
  }

  readLine(line: string): LineAnswer {
    const [keyword = '', ...words] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    switch (keyword.toUpperCase()) {
      case '':
        return undefined
      case '$INCLUDE':
      case '$INCLUDE-':
        return words[0] === undefined
          ? { problem: 'names no file' }
          : { include: words[0], isOptional: keyword.endsWith('-') }
      case 'VENDOR':
        return this.#readVendor(words)
      case 'BEGIN-VENDOR':
        return this.#beginVendor(words)
      case 'END-VENDOR':
        return this.#endVendor(words)
      case 'BEGIN-TLV':
      case 'END-TLV':
        this.#isInside = keyword.toUpperCase() === 'BEGIN-TLV'
        return undefined
      case 'ATTRIBUTE':
        return this.#readAttribute(words)
      case 'VALUE':
        return this.#readValue(words)
      default:
        return SKIPPED.has(keyword.toUpperCase())
          ? undefined
          : { problem: `begins with ${shown(keyword)}`, suggestion: `known here: ${KEYWORDS.join(', ')}` }
    }
  }

  #readVendor([name = '', number = '', ...rest]: readonly string[]): LineAnswer {
    const enterprise = wholeNumber(number, MAX_ENTERPRISE)
    if (!NAME.test(name) || enterprise === undefined) return { problem: 'is not: VENDOR name number' }
    // A format other than one octet each for type and length (RFC 2865 §5.26).
    const format = rest.find((word) => word.startsWith('format='))?.slice('format='.length)
    this.#vendors.set(name, { number: enterprise, isPlain: format === undefined || /^1,1$/.test(format) })
    return undefined
  }

  #beginVendor([name = '']: readonly string[]): LineAnswer {
    if (!this.#vendors.has(name)) return { problem: `there is no VENDOR ${shown(name)} before it` }
    if (this.#vendor !== undefined) return { problem: `BEGIN-VENDOR ${this.#vendor} is not ended before it` }
    this.#vendor = name
    return undefined
  }

  #endVendor([name = '']: readonly string[]): LineAnswer {
    if (name !== this.#vendor) return { problem: `there is no BEGIN-VENDOR ${shown(name)} to end` }
    this.#vendor = undefined
    return undefined
  }

  #readAttribute([name = '', number = '', type = '', ...rest]: readonly string[]): LineAnswer {
    if (!NAME.test(name) || number === '' || type === '')
      return { problem: 'is not: ATTRIBUTE name number type' }
    if (!/^[0-9a-fx.]+$/i.test(number)) return { problem: `${shown(number)} is not a number` }
    if (this.#attributes.size >= MAX_ATTRIBUTES) return { problem: `is one of more than ${MAX_ATTRIBUTES}` }
    const named = rest.find((word) => this.#vendors.has(word))
    const vendor = this.#vendors.get(this.#vendor ?? named ?? '')
    const flags = rest.filter((word) => word !== named).join(',')
    const own = wholeNumber(number, MAX_NUMBER)
    const coded = CODED_TYPES[type.toLowerCase().replace(/\[\d+\]$/, '')]
    const why =
      this.#isInside || own === undefined || own === 0
        ? 'its number is not one from 1 to 255'
        : vendor?.isPlain === false
          ? 'its vendor’s attributes have another format than that of RFC 2865 §5.26'
          : coded === undefined
            ? `no reply is written with the type ${shown(type)}`
            : /has_tag|encrypt|concat|virtual|internal/.test(flags)
              ? 'tagged, encrypted and internal attributes are not written'
              : undefined
    if (own === undefined || coded === undefined || why !== undefined)
      this.#attributes.set(name, { why: why ?? '' })
    else this.#attributes.set(name, { vendor: vendor?.number, number: own, type: coded, values: {} })
    return undefined
  }

  #readValue([attribute = '', name = '', number = '']: readonly string[]): LineAnswer {
    const value = wholeNumber(number, MAX_ENTERPRISE)
    if (name === '' || number === '') return { problem: 'is not: VALUE attribute name number' }
    const known = this.#attributes.get(attribute)
    // Files may name values of attributes that another file has.
    if (known === undefined || 'why' in known) return undefined
    if (value === undefined) return { problem: `${shown(number)} is not a number` }
    known.values[name] = String(value)
    return undefined
  }
}

/** In decimal, or in hexadecimal with 0x. */
function wholeNumber(text: string, most: number): number | undefined {
  if (!/^(?:\d{1,10}|0x[0-9a-f]{1,8})$/i.test(text)) return undefined
  const number = Number(text)
  return number <= most ? number : undefined
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
