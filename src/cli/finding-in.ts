import type { Finding } from '../doctor/finding.ts'
import type { Locale } from '../domain/locale.ts'

/** From an English text of a finding to that of another language; what is not known stays as it is. */
export type FindingText = (english: string) => string

/** Texts with fewer letters of their own stand for too much: what is put into them must be one word. */
const TELLING_LETTERS = 10
/** Texts within texts; values come from files and networks. */
const MAX_DEPTH = 4

/** @returns what shows findings in a language. Checks have their texts in English, as patterns with values. */
export async function findingTextIn(language: Locale): Promise<FindingText> {
  if (language === 'en') return (english) => english
  const file = await import('../../locales/doctor.zh-CN.json', { with: { type: 'json' } })
  return newFindingText(file.default)
}

/** The finding with its texts in a language. */
export function translated<F extends Finding>(finding: F, text: FindingText): F {
  const { about, cause, remedy } = finding
  return {
    ...finding,
    about: text(about),
    cause: text(cause),
    ...(remedy !== undefined && { remedy: text(remedy) }),
  }
}

/** @param texts from English patterns, in which `{0}`, `{1}` … stand for values in this order. */
export function newFindingText(texts: Readonly<Record<string, string>>): FindingText {
  const known = new Map(Object.entries(texts))
  const patterns = [...known]
    .map(([english, shown]) => ({ parts: english.split(/\{\d\}/), shown }))
    .filter(({ parts }) => parts.length > 1)
    .map((each) => ({ ...each, own: each.parts.join('') }))
    .sort((one, other) => other.own.length - one.own.length)

  function filled(text: string, depth: number, isWanted: (own: string) => boolean): string | undefined {
    for (const { parts, shown, own } of patterns) {
      const values = isWanted(own) ? valuesIn(text, parts) : undefined
      const isTelling = own.replaceAll(/[^a-z]/gi, '').length >= TELLING_LETTERS
      if (values === undefined || !(isTelling || values.every((value) => /^\S+$/.test(value)))) continue
      return shown.replaceAll(/\{(\d)\}/g, (_, place: string) =>
        inner(values[Number(place)] ?? '', depth + 1),
      )
    }
    return undefined
  }

  function inner(text: string, depth: number): string {
    const whole = known.get(text)
    if (whole !== undefined || depth > MAX_DEPTH || text === '') return whole ?? text
    const joined = filled(text, depth, (own) => own.includes('; ')) ?? splitAt(text, depth)
    return joined ?? filled(text, depth, (own) => !own.includes('; ')) ?? text
  }

  /** A cause may go on with further ones. */
  function splitAt(text: string, depth: number): string | undefined {
    const at = text.lastIndexOf('; ')
    if (at < 0) return undefined
    const last = text.slice(at + 2)
    const shown = inner(last, depth + 1)
    return shown === last ? undefined : `${inner(text.slice(0, at), depth + 1)}；${shown}`
  }

  return (english) => inner(english, 0)
}

/** What stands at the places between the parts; each reaches to the next part that comes. */
function valuesIn(text: string, parts: readonly string[]): readonly string[] | undefined {
  const [first = '', ...between] = parts
  const last = between.pop() ?? ''
  const end = text.length - last.length
  if (first.length > end || !text.startsWith(first) || !text.endsWith(last)) return undefined
  const values: string[] = []
  let at = first.length
  for (const part of between) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return undefined
    values.push(text.slice(at, found))
    at = found + part.length
  }
  return [...values, text.slice(at, end)]
}
