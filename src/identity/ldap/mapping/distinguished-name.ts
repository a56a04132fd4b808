import { isUtf8 } from 'node:buffer'
import { foldName } from '../../../domain/login-name.ts'

/** One attribute of a level and its value: the type in lower case, the value without escapes. */
type NamePart = readonly [type: string, value: string]

/** One level of a name; more than one part where they are joined by `+`. */
export type Rdn = readonly NamePart[]

const TYPE = /[ \n]*(?:oid\.)?([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)[ \n]*=[ \n]*/iy
const HEX_PAIR = /[0-9A-Fa-f]{2}/y
const BACKSLASH = 0x5c
const BLANK = 0x20
const PLUS = 0x2b
const LEVEL_ENDS: ReadonlySet<number> = new Set([0x2c, 0x3b]) // "," and, in older spellings, ";"
/** Characters that a value may contain only after a backslash (RFC 4514 §3). */
const ONLY_ESCAPED: ReadonlySet<number> = new Set([0x00, 0x22, 0x3c, 0x3e])

/**
 * Reads a distinguished name (RFC 4514). ldapjs has a reader too, but it never ends on `cn="a"b`.
 * @returns its levels, the entry's own first; undefined where the text is no such name.
 */
export function parseDn(text: string): readonly Rdn[] | undefined {
  if (text.trim() === '') return []
  const octets = Buffer.from(text)
  const latin = octets.toString('latin1')
  const levels: NamePart[][] = [[]]
  let at = 0
  for (;;) {
    TYPE.lastIndex = at
    const type = TYPE.exec(latin)?.[1]
    if (type === undefined) return undefined
    const value = readValue(octets, latin, TYPE.lastIndex)
    if (value === undefined) return undefined
    levels.at(-1)?.push([type.toLowerCase(), value.text])
    if (value.end === octets.length) return levels
    if (octets[value.end] !== PLUS) levels.push([])
    at = value.end + 1
  }
}

/** @param latin the octets, one character each. */
function readValue(octets: Buffer, latin: string, start: number): { text: string; end: number } | undefined {
  const value: number[] = []
  let kept = 0 // blanks at the end belong to the value only where they are escaped
  let at = start
  while (at < octets.length) {
    const octet = octets[at] ?? 0
    if (octet === PLUS || LEVEL_ENDS.has(octet)) break
    if (ONLY_ESCAPED.has(octet)) return undefined
    if (octet === BACKSLASH) {
      HEX_PAIR.lastIndex = at + 1
      const pair = HEX_PAIR.exec(latin)?.[0]
      const literal = octets[at + 1]
      if (literal === undefined) return undefined
      value.push(pair === undefined ? literal : Number.parseInt(pair, 16))
      at += pair === undefined ? 2 : 3
      kept = value.length
      continue
    }
    value.push(octet)
    at += 1
    if (octet !== BLANK) kept = value.length
  }
  const bytes = Buffer.from(value.slice(0, kept))
  return isUtf8(bytes) ? { text: bytes.toString('utf8'), end: at } : undefined
}

/**
 * A name in a form that is equal for all its spellings: case, blanks and escapes are ignored.
 * @returns undefined where the text is not a distinguished name.
 */
export function comparableDn(text: string): string | undefined {
  const levels = parseDn(text)
  if (levels === undefined) return undefined
  return JSON.stringify(
    levels.map((level) =>
      level.map(([type, value]) => `${type}=${foldName(value).replace(/\s+/g, ' ')}`).sort(),
    ),
  )
}

/** Escapes any value for a distinguished name (RFC 4514 §2.4). */
export function escapeDnValue(value: string): string {
  return value.replace(/[\\"+,;<>=\0]|^[ #]| $/g, (sign) => (sign === '\0' ? '\\00' : `\\${sign}`))
}
