import { OperatorError } from '../domain/errors.ts'
import { LOCALES, type Locale } from '../domain/locale.ts'

/** For the list of options; the value is taken before a command is chosen. */
export const LANGUAGE_OPTION = [
  '--lang <tag>',
  'the language of help and doctor: en or zh-CN; left out, by LC_ALL, LC_MESSAGES or LANG',
] as const

/** Chinese in simplified characters, in an encoding that this program writes. */
const SIMPLIFIED_CHINESE = /^zh(?:_(?:CN|SG))?(?:\.utf-?8)?(?:@.*)?$/i

/**
 * The language of the call, by `--lang` at any place, otherwise by the environment in the order of POSIX.
 * @param words of the call, after the program's name. @returns them without the option.
 * @throws OperatorError where there is no such language.
 */
export function languageOf(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): { readonly language: Locale; readonly rest: readonly string[] } {
  const end = words.indexOf('--')
  const at = words.findIndex((word, index) => (end < 0 || index < end) && /^--lang(?:=|$)/.test(word))
  if (at < 0) {
    const set = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || ''
    return { language: SIMPLIFIED_CHINESE.test(set) ? 'zh-CN' : 'en', rest: words }
  }
  const isApart = words[at] === '--lang'
  const tag = isApart ? words[at + 1] : words[at]?.slice('--lang='.length)
  const language = LOCALES.find((locale) => locale === tag)
  if (language === undefined) throw new OperatorError(`--lang takes one of ${LOCALES.join(', ')}`)
  return { language, rest: words.toSpliced(at, isApart ? 2 : 1) }
}
