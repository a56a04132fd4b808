import { IntlMessageFormat } from 'intl-messageformat'
import en from '../../locales/en.json' with { type: 'json' }
import zhCN from '../../locales/zh-CN.json' with { type: 'json' }
import { LOCALES, type Locale } from '../domain/locale.ts'

/** The identifier of a message: a key of locales/en.json. */
export type MessageKey = keyof typeof en

export type MessageValues = Readonly<Record<string, string | number | boolean | undefined>>

/** Gives a message in one language, with its placeholders filled. @throws Error where a placeholder has no value. */
export type Translate = (key: MessageKey, values?: MessageValues) => string

/** All texts that users read, in ICU MessageFormat. tsc fails where a language lacks a key. */
export const MESSAGES: Readonly<Record<Locale, Readonly<Record<MessageKey, string>>>> = {
  en,
  'zh-CN': zhCN,
}

const translators = new Map(LOCALES.map((locale) => [locale, newTranslator(locale)]))

export function translator(locale: Locale): Translate {
  return translators.get(locale) ?? newTranslator(locale)
}

/** Parses each message when it is first used, and keeps it. */
function newTranslator(locale: Locale): Translate {
  const parsed = new Map<MessageKey, IntlMessageFormat>()
  return (key, values) => {
    let message = parsed.get(key)
    if (message === undefined) {
      const text = MESSAGES[locale][key]
      if (text === undefined) throw new Error(`locales/${locale}.json has no message ${key}`)
      // Messages hold no markup; the templates do.
      message = new IntlMessageFormat(text, locale, undefined, { ignoreTag: true })
      parsed.set(key, message)
    }
    return String(message.format(values))
  }
}
