import { hiddenCharacterFault } from '../../domain/hidden-characters.ts'
import { LOCALES, type Locale } from '../../domain/locale.ts'
import type { PolicyWords } from '../../domain/policy.ts'
import { ValueError } from '../../schema/config-error.ts'
import { MAX_ATTRIBUTE_OCTETS, readText } from '../../schema/scalars.ts'
import { suggestOneOf } from '../closest.ts'
import { isMapping } from '../partial-config.ts'

/** Whether a policy refuses, and in which words if not in the usual ones. */
export interface Deny {
  readonly words: PolicyWords | undefined
}

const FORMS = 'write true, or { message: "…" }, or { message: { en: "…", zh-CN: "…" } }'

/** @returns false where the policy does not refuse. */
export function readDeny(raw: unknown): Deny | false | ValueError {
  if (raw === true) return { words: undefined }
  if (raw === false) return false
  if (!isMapping(raw)) return new ValueError('is neither true, false nor a message', meant(raw))
  const unknown = Object.keys(raw).find((key) => key !== 'message')
  if (unknown !== undefined) return new ValueError(`has an unknown key ${unknown}`, FORMS)
  return withWords(raw.message)
}

/** YAML reads yes and no as text. */
function meant(raw: unknown): string {
  const text = String(raw).toLowerCase()
  if (['yes', 'on', 'true', '1'].includes(text)) return 'write true'
  if (['no', 'off', 'false', '0'].includes(text)) return 'write false'
  return FORMS
}

function withWords(message: unknown): Deny | ValueError {
  const texts = isMapping(message)
    ? Object.entries(message)
    : LOCALES.map((locale) => [locale, message] as const)
  if (texts.length === 0) return new ValueError('has an empty message', FORMS)
  const words: Partial<Record<Locale, string>> = {}
  for (const [locale, raw] of texts) {
    if (!isLocale(locale))
      return new ValueError(
        `has a message in ${locale}, which is not spoken here`,
        suggestOneOf(locale, LOCALES),
      )
    const text = readText(raw)
    if (text instanceof ValueError) return new ValueError(`has a message that ${text.problem}`, FORMS)
    const hidden = hiddenCharacterFault(text)
    if (hidden !== undefined) return new ValueError(`has a message that ${hidden}`)
    const octets = Buffer.byteLength(text)
    if (octets > MAX_ATTRIBUTE_OCTETS)
      return new ValueError(
        `has a message of ${octets} octets; a Reply-Message holds ${MAX_ATTRIBUTE_OCTETS}`,
        'write fewer words',
      )
    words[locale] = text
  }
  return { words }
}

function isLocale(text: string): text is Locale {
  return (LOCALES as readonly string[]).includes(text)
}
