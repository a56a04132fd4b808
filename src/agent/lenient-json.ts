/**
 * A value of occtl's JSON, in which numbers and words are their text. In an object, a key that stands twice has no
 * value: it cannot be known which of the two is meant.
 */
export type Loose = string | readonly Loose[] | LooseObject
export type LooseObject = ReadonlyMap<string, Loose | undefined>

const MAX_DEPTH = 16
const BETWEEN = /[\s,]*/y
const WORD = /[^\s,:[\]{}"]+/y
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * Reads the first value of a text that is almost JSON: commas may be too many or missing, control characters may stand
 * in strings, and anything may follow.
 *
 * @throws Error where no value can be made out.
 */
export function parseLoosely(text: string): Loose {
  return new Reader(text).value(0)
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): Loose {
    if (depth > MAX_DEPTH) throw new Error('occtl printed JSON that is nested too deeply')
    const mark = this.#next()
    if (mark === '{') return this.#object(depth)
    if (mark === '[') return this.#array(depth)
    return this.#scalar()
  }

  #object(depth: number): LooseObject {
    const members = new Map<string, Loose | undefined>()
    this.#at += 1
    while (this.#next() !== '}') {
      const key = this.#scalar()
      if (this.#next() !== ':') throw this.#fault()
      this.#at += 1
      const value = this.value(depth + 1)
      members.set(key, members.has(key) ? undefined : value)
    }
    this.#at += 1
    return members
  }

  #array(depth: number): readonly Loose[] {
    const items: Loose[] = []
    this.#at += 1
    while (this.#next() !== ']') items.push(this.value(depth + 1))
    this.#at += 1
    return items
  }

  #scalar(): string {
    if (this.#next() === '"') return this.#string()
    WORD.lastIndex = this.#at
    const [word] = WORD.exec(this.#text) ?? []
    if (word === undefined) throw this.#fault()
    this.#at += word.length
    return word
  }

  #string(): string {
    const parts: string[] = []
    let from = this.#at + 1
    for (let at = from; ; at++) {
      const character = this.#text[at]
      if (character === undefined) throw this.#fault()
      if (character !== '"' && character !== '\\') continue
      parts.push(this.#text.slice(from, at))
      if (character === '"') {
        this.#at = at + 1
        return parts.join('')
      }
      const code = /^u([\da-f]{4})/i.exec(this.#text.slice(at + 1, at + 6))?.[1]
      const escaped = this.#text[at + 1] ?? ''
      parts.push(
        code === undefined ? (ESCAPES[escaped] ?? escaped) : String.fromCharCode(Number.parseInt(code, 16)),
      )
      at += code === undefined ? 1 : 5
      from = at + 1
    }
  }

  /** Skips what may stand between values. @returns the character that follows. */
  #next(): string {
    BETWEEN.lastIndex = this.#at
    BETWEEN.exec(this.#text)
    this.#at = BETWEEN.lastIndex
    const character = this.#text[this.#at]
    if (character === undefined) throw this.#fault()
    return character
  }

  #fault(): Error {
    return new Error(`occtl printed something that is no JSON, at character ${this.#at}`)
  }
}
