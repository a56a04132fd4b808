import { isUtf8 } from 'node:buffer'

/** What a filter or a name may leave open until a login fills it in. */
export type Placeholder = 'user' | 'dn' | 'uid' | 'gid'

/** A value in pieces: octets that are fixed, and places to be filled in. */
export type Piece = Buffer | Placeholder

/** A filter as read (RFC 4515): values are octets without escapes, so that filling one in cannot change its shape. */
export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly part: FilterNode }
  | { readonly kind: 'present'; readonly attribute: string }
  | {
      readonly kind: 'equal' | 'approximate' | 'at_least' | 'at_most'
      readonly attribute: string
      readonly value: readonly Piece[]
    }
  | {
      readonly kind: 'substring'
      readonly attribute: string
      /** Between the asterisks: the first and the last may be empty. */
      readonly values: readonly (readonly Piece[])[]
    }
  | {
      readonly kind: 'matching'
      readonly attribute?: string
      readonly rule?: string
      readonly dnAttributes: boolean
      readonly value: readonly Piece[]
    }

/** A filter or a name of the configuration that cannot be read. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault'
}

const DEEPEST = 32
const BLANKS = /\s*/y
const ITEM =
  /([A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*|\d+(?:\.\d+)+)?((?::[A-Za-z0-9.-]+)*)(:=|~=|>=|<=|=)([^()]*)/y
const KINDS = { '~=': 'approximate', '>=': 'at_least', '<=': 'at_most' } as const

/**
 * Reads a filter once, at the start. Blanks and line breaks between its parts do not count.
 * @param known the placeholders that have a meaning here. @throws TemplateFault
 */
export function parseFilter(text: string, known: readonly Placeholder[]): FilterNode {
  const trimmed = text.trim()
  const whole = trimmed.startsWith('(') ? trimmed : `(${trimmed})`
  const { node, end } = readFilter(whole, 0, known, 0)
  if (end !== whole.length)
    throw new TemplateFault(`${shown(whole.slice(end))} follows the end of the filter`)
  return node
}

interface Read {
  readonly node: FilterNode
  readonly end: number
}

function readFilter(text: string, start: number, known: readonly Placeholder[], depth: number): Read {
  if (depth > DEEPEST) throw new TemplateFault('is nested too deeply')
  if (text[start] !== '(') throw new TemplateFault(`needs a "(" before ${shown(text.slice(start))}`)
  const at = skipBlanks(text, start + 1)
  const operator = text[at]
  const { node, end } =
    operator === '&' || operator === '|' || operator === '!'
      ? readCombination(operator, text, at + 1, known, depth)
      : readItem(text, at, known)
  const close = skipBlanks(text, end)
  if (text[close] !== ')') throw new TemplateFault(`has a "(" without its ")": ${shown(text.slice(start))}`)
  return { node, end: close + 1 }
}

function readCombination(
  operator: '&' | '|' | '!',
  text: string,
  start: number,
  known: readonly Placeholder[],
  depth: number,
): Read {
  const parts: FilterNode[] = []
  let at = skipBlanks(text, start)
  while (text[at] === '(') {
    const part = readFilter(text, at, known, depth + 1)
    parts.push(part.node)
    at = skipBlanks(text, part.end)
  }
  const [first, second] = parts
  if (first === undefined) throw new TemplateFault(`has nothing behind its "${operator}"`)
  if (operator !== '!') return { node: { kind: operator === '&' ? 'and' : 'or', parts }, end: at }
  if (second !== undefined) throw new TemplateFault('has two filters behind one "!"')
  return { node: { kind: 'not', part: first }, end: at }
}

function readItem(text: string, start: number, known: readonly Placeholder[]): Read {
  ITEM.lastIndex = start
  const [matched, attribute, colons = '', operator = '', value = ''] = ITEM.exec(text) ?? []
  if (matched === undefined) throw new TemplateFault(`cannot be read from ${shown(text.slice(start))} on`)
  const end = start + matched.length
  if (operator === ':=') return { node: readMatching(attribute, colons, value, known), end }
  if (attribute === undefined || colons !== '')
    throw new TemplateFault(`names no attribute in ${shown(matched)}`)
  if (operator !== '=') {
    const kind = KINDS[operator as keyof typeof KINDS]
    return { node: { kind, attribute, value: readText(value, known) }, end }
  }
  if (value.trim() === '*') return { node: { kind: 'present', attribute }, end }
  const node: FilterNode = value.includes('*')
    ? { kind: 'substring', attribute, values: value.split('*').map((each) => readText(each, known)) }
    : { kind: 'equal', attribute, value: readPieces(value, known) }
  return { node, end }
}

function readMatching(
  attribute: string | undefined,
  colons: string,
  value: string,
  known: readonly Placeholder[],
): FilterNode {
  const words = colons.split(':').filter((word) => word !== '')
  const dnAttributes = words[0]?.toLowerCase() === 'dn'
  const [rule, ...more] = dnAttributes ? words.slice(1) : words
  if (more.length > 0) throw new TemplateFault(`names two matching rules in ${shown(colons)}`)
  if (attribute === undefined && rule === undefined)
    throw new TemplateFault('has a ":=" with neither an attribute nor a matching rule')
  return { kind: 'matching', dnAttributes, value: readText(value, known), attribute, rule }
}

/** Undoes `\2a` (RFC 4515 §3) and finds `{user}` and the like. A brace itself is written `\7b`. */
export function readPieces(text: string, known: readonly Placeholder[]): readonly Piece[] {
  return text.split(/(\{[^{}]*\})/).flatMap((part, index): Piece[] => {
    if (part === '') return []
    if (index % 2 === 0) return [unescaped(part)]
    const name = known.find((each) => part === `{${each}}`)
    if (name !== undefined) return [name]
    throw new TemplateFault(
      `holds ${part}, which means nothing here; ${known.map((each) => `{${each}}`).join(', ')} would`,
    )
  })
}

/** For the kinds of filters that ldapjs writes from text only. */
function readText(text: string, known: readonly Placeholder[]): readonly Piece[] {
  const pieces = readPieces(text, known)
  if (pieces.some((piece) => typeof piece !== 'string' && !isUtf8(piece)))
    throw new TemplateFault('holds octets that are no text, which only "=" without "*" can compare')
  return pieces
}

function unescaped(text: string): Buffer {
  const parts = text.split('\\')
  const octets: Buffer[] = [Buffer.from(parts[0] ?? '')]
  for (const part of parts.slice(1)) {
    const pair = /^[0-9A-Fa-f]{2}/.exec(part)?.[0]
    if (pair === undefined)
      throw new TemplateFault('holds a backslash without two hexadecimal digits; write \\5c')
    octets.push(Buffer.from(pair, 'hex'), Buffer.from(part.slice(2)))
  }
  return Buffer.concat(octets)
}

function skipBlanks(text: string, at: number): number {
  BLANKS.lastIndex = at
  BLANKS.exec(text)
  return BLANKS.lastIndex
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
