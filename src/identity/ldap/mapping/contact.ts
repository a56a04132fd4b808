import { type Locale, localeIn } from '../../../domain/locale.ts'
import { isMailAddress } from '../../../domain/mail-address.ts'
import type { Account } from '../../../domain/person.ts'

/** The attributes with a user's mail address and language. */
export interface ContactNames {
  readonly mail: string
  readonly language: string
}

/** Values that are no addresses are left out: mails go to the first that is one. */
export function contactIn(
  entry: ReadonlyMap<string, readonly string[]>,
  names: ContactNames,
): Pick<Account, 'mail' | 'language'> {
  const valuesOf = (attribute: string) => entry.get(attribute.toLowerCase()) ?? []
  const mail = valuesOf(names.mail)
    .map((value) => value.trim())
    .find(isMailAddress)
  const [language]: readonly (Locale | undefined)[] = valuesOf(names.language).map(localeIn)
  return { ...(mail !== undefined && { mail }), ...(language !== undefined && { language }) }
}
