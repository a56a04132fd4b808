import type { Locale } from '../../domain/locale.ts'
import { MESSAGES, type MessageKey, translator } from '../../i18n/messages.ts'
import { durationText, timeText } from './times.ts'

/** What the placeholders of a stored text can stand for; any other stands for any text. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  count: '\\d+',
  code: '[0-9a-f]{3}',
  algorithm: 'SHA-(?:1|256|512)',
  duration: '\\d+ [smh]',
  scope: 'user|user_address|address',
  cause: 'failures|hard_limit|password_known|by_hand|directory|directory_full',
  most: '\\d+',
  amount: '\\d+(?:\\.\\d)? (?:B|[kMGTP]B|h|min)',
  measure: 'traffic|downloads|uploads|time online',
  period: 'a day|a week|a month|in 30 days',
  day: '\\d{4}-\\d\\d-\\d\\d',
  time: '\\d{4}-\\d\\d-\\d\\dT\\S+Z',
}
/** Placeholders whose value is such a text itself. */
const NESTED: ReadonlySet<string> = new Set([
  'detail',
  'what',
  'scope',
  'cause',
  'factor',
  'measure',
  'period',
])
/**
 * Parts of one text that are looked at. Servers, gateways and operators write texts into the records too, and each part
 * costs this thread 60 comparisons.
 */
const MAX_PARTS = 64
const SEPARATORS = [': ', '; ', ', ']
const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }

const PATTERNS: readonly (readonly [MessageKey, RegExp])[] = (Object.keys(MESSAGES.en) as MessageKey[])
  .filter((key) => key.startsWith('stored.'))
  .map((key) => [key, patternOf(MESSAGES.en[key])])

/**
 * The records hold the reasons of refusals and lockouts, actors and terminate causes in English, as the English
 * messages `stored.*` have them. What matches one is shown in the reader's language; anything else stays as it is.
 */
export function storedText(text: string, locale: Locale): string {
  return partText(text, locale, { left: MAX_PARTS })
}

/** @param parts how many more parts are looked at; the rest of the text stays as it is. */
function partText(text: string, locale: Locale, parts: { left: number }): string {
  parts.left -= 1
  if (parts.left < 0) return text
  for (const [key, pattern] of PATTERNS) {
    const groups = pattern.exec(text)
    if (groups === null) continue
    const values = Object.entries(groups.groups ?? {}).map(([name, value]) => [
      name,
      shown(name, value, locale, parts),
    ])
    return translator(locale)(key, Object.fromEntries(values))
  }
  for (const separator of SEPARATORS) {
    const at = text.indexOf(separator)
    if (at < 0) continue
    const [left, right] = [text.slice(0, at), text.slice(at + separator.length)]
    const joint = separator === ': ' ? 'admin.colon' : 'admin.comma'
    return (
      partText(left, locale, parts) +
      (separator === '; ' ? separator : translator(locale)(joint)) +
      partText(right, locale, parts)
    )
  }
  return text
}

function patternOf(message: string): RegExp {
  const source = message
    .split(/\{(\w+)\}/)
    .map((part, index) =>
      index % 2 === 0 ? RegExp.escape(part) : `(?<${part}>${PLACEHOLDERS[part] ?? '.+?'})`,
    )
  return new RegExp(`^${source.join('')}$`)
}

/** Others may have written the text: what only looks like a time or a duration stays as it is. */
function shown(name: string, value: string, locale: Locale, parts: { left: number }): string {
  if (NESTED.has(name)) return partText(value, locale, parts)
  if (name === 'time') {
    const at = Date.parse(value)
    return Number.isNaN(at) ? value : timeText(at, locale)
  }
  if (name !== 'duration') return value
  const [count, unit = ''] = value.split(' ')
  const ms = Number(count) * (UNITS_MS[unit] ?? 0)
  return Number.isSafeInteger(ms) ? durationText(ms, locale, 'long') : value
}
