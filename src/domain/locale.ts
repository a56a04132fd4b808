/** The languages that locales/ holds, by their BCP 47 tags. */
export const LOCALES = ['en', 'zh-CN'] as const

export type Locale = (typeof LOCALES)[number]

export function isLocale(tag: unknown): tag is Locale {
  return (LOCALES as readonly unknown[]).includes(tag)
}

/**
 * The first language of a list that there is, by its primary language alone: `zh-Hans, en;q=0.5`, as `preferredLanguage`
 * has it (RFC 2798 §2.7).
 */
export function localeIn(list: string): Locale | undefined {
  for (const part of list.split(',').slice(0, MAX_TAGS)) {
    const [, language] = /^\s*([a-z]{2,3})\b/i.exec(part) ?? []
    const found = LOCALES.find((locale) => locale.split('-')[0] === language?.toLowerCase())
    if (found !== undefined) return found
  }
  return undefined
}

const MAX_TAGS = 20
