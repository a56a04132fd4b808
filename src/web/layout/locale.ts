import type { Request, Response } from 'express'
import { LOCALES, type Locale } from '../../domain/locale.ts'
import { basePathOf } from '../../http/base-path.ts'

/** What each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Locale, string>> = { en: 'English', 'zh-CN': '中文' }

const COOKIE = 'ocbroker-language'
const CHOSEN = new RegExp(`(?:^|;)\\s*${COOKIE}=(${LOCALES.join('|')})\\s*(?:;|$)`)
const A_YEAR_MS = 365 * 24 * 3_600_000

/**
 * What the reader has chosen on a page, or else what the browser asks for.
 * @param locales those that the pages have, the first for browsers that ask for none of them.
 */
export function localeOf(request: Request, locales: readonly Locale[]): Locale {
  const [first = 'en'] = locales
  const chosen = localeNamed(CHOSEN.exec(request.headers.cookie ?? '')?.[1], locales)
  if (chosen !== undefined) return chosen
  const wanted = request.acceptsLanguages()
  for (const language of wanted) {
    const found = locales.find((locale) => isSameLanguage(locale, language))
    if (found !== undefined) return found
  }
  return first
}

/** @returns undefined where the pages do not have the language. */
export function localeNamed(tag: string | undefined, locales: readonly Locale[]): Locale | undefined {
  return locales.find((locale) => locale === tag)
}

/** Lets this browser's pages be in a language from now on. */
export function rememberLocale(response: Response, locale: Locale): void {
  const { secure } = response.req
  const path = basePathOf(response.req) || '/'
  response.cookie(COOKIE, locale, { httpOnly: true, sameSite: 'lax', secure, path, maxAge: A_YEAR_MS })
}

/** `zh`, `zh-SG` and `zh-Hans` are served by Simplified Chinese as well; so is `zh-TW`, rather than by English. */
function isSameLanguage(locale: Locale, wanted: string): boolean {
  return locale.slice(0, 2) === wanted.slice(0, 2).toLowerCase()
}
