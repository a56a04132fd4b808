import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IntlMessageFormat } from 'intl-messageformat'
import { describe, expect, it, test } from 'vitest'
import { LOCALES, type Locale } from '../../src/domain/locale.ts'
import { MESSAGES, type MessageKey, translator } from '../../src/i18n/messages.ts'

const KEYS = Object.keys(MESSAGES.en) as MessageKey[]
const SOURCE = join(import.meta.dirname, '../../src')
/** Keys that are looked up by their prefix, in src/web/layout/stored-text.ts. */
const STORED = 'stored.'

type Element = ReturnType<IntlMessageFormat['getAst']>[number]

/** Names and kinds of the placeholders of a message, in order; each plural or select counts once. */
function placeholders(text: string, locale: Locale): readonly string[] {
  const found = new Set<string>()
  const visit = (element: Element) => {
    if ('value' in element && element.type !== 0) found.add(String(element.value))
    if ('options' in element) for (const option of Object.values(element.options)) option.value.forEach(visit)
  }
  new IntlMessageFormat(text, locale, undefined, { ignoreTag: true }).getAst().forEach(visit)
  return [...found].toSorted()
}

describe.each(LOCALES)('the messages in %s', (locale) => {
  const messages: Readonly<Record<string, string>> = MESSAGES[locale]

  it('have the keys of the English ones, in the same order', () => {
    expect(Object.keys(messages)).toEqual(KEYS)
  })

  it('have the placeholders of the English ones', () => {
    const differing = KEYS.filter(
      (key) =>
        String(placeholders(messages[key] ?? '', locale)) !== String(placeholders(MESSAGES.en[key], 'en')),
    )
    expect(differing).toEqual([])
  })

  it('hold no markup, so that nothing of them needs escaping', () => {
    expect(KEYS.filter((key) => /[&<>]/.test(messages[key] ?? ''))).toEqual([])
  })
})

test('a message that lacks a value for a placeholder throws instead of showing a gap', () => {
  expect(() => translator('en')('portal.code.wrong')).toThrow(/triesLeft/)
  expect(translator('en')('portal.code.wrong', { triesLeft: 1 })).toBe('That code is wrong. 1 try left.')
})

describe('keys in code and templates', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(ts|eta)$/.test(name),
  )
  const text = files.map((name) => readFileSync(join(SOURCE, name), 'utf8')).join('\n')
  const AREAS = 'vpn|layout|portal|admin|letter|stored'
  const literals = [...text.matchAll(new RegExp(`'((?:${AREAS})\\.[\\w.-]+)'`, 'g'))].map(
    ([, key = '']) => key,
  )
  /** `admin.event.${kind}`: each expression stands for any text. */
  const patterns = [...text.matchAll(new RegExp(`\`((?:${AREAS})\\.[^\`\\s]*\\$\\{[^\`]*)\``, 'g'))].map(
    ([, template = '']) =>
      new RegExp(
        `^${template
          .split(/\$\{(?:[^{}]|\{[^}]*\})*\}/)
          .map(RegExp.escape)
          .join('.+')}$`,
      ),
  )

  it('all exist', () => {
    const known: ReadonlySet<string> = new Set(KEYS)
    expect(literals.filter((key) => !known.has(key))).toEqual([])
    expect(patterns.filter((pattern) => !KEYS.some((key) => pattern.test(key))).map(String)).toEqual([])
  })

  it('use every message', () => {
    const used: ReadonlySet<string> = new Set(literals)
    const unused = KEYS.filter(
      (key) => !used.has(key) && !key.startsWith(STORED) && !patterns.some((pattern) => pattern.test(key)),
    )
    expect(unused).toEqual([])
  })

  it('come with the placeholders of their message', () => {
    const calls = [
      ...text.matchAll(
        new RegExp(`\\b(?:t|rich)\\(\\s*'((?:${AREAS})\\.[\\w.-]+)'(?:,\\s*\\{([^}]*)\\})?`, 'g'),
      ),
    ]
    const wrong = calls.filter(([, key = '', values = '']) => {
      const given = values.split(/,\s*(?![^(]*\))/).map((part) => /^\s*(\w+)/.exec(part)?.[1])
      const wanted = placeholders(MESSAGES.en[key as MessageKey] ?? '', 'en')
      return String(given.filter(Boolean).toSorted()) !== String(wanted)
    })
    expect(wrong.map(([call]) => call)).toEqual([])
  })
})
