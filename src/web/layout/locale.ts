import type { Request } from 'express'
import type { Locale } from '../../domain/locale.ts'

/** @param locales those that the pages have, the first for browsers that ask for none of them. */
export function localeOf(request: Request, locales: readonly Locale[]): Locale {
  const [first = 'en'] = locales
  const wanted = request.acceptsLanguages()
  for (const language of wanted) {
    const found = locales.find((locale) => isSameLanguage(locale, language))
    if (found !== undefined) return found
  }
  return first
}

/** `zh`, `zh-SG` and `zh-Hans` are served by Simplified Chinese as well; so is `zh-TW`, rather than by English. */
function isSameLanguage(locale: Locale, wanted: string): boolean {
  return locale.slice(0, 2) === wanted.slice(0, 2).toLowerCase()
}
