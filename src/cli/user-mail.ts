import { type Command, Option } from 'commander'
import { OperatorError } from '../domain/errors.ts'
import { isLocale, LOCALES, type Locale } from '../domain/locale.ts'
import { isMailAddress } from '../domain/mail-address.ts'
import { type CommonOptions, command, recordAudit, userNamed, withRecords } from './command.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly language?: string
}

export function userMailCommand(): Command {
  return command('mail', 'say where mails to the user go; without an address, to nowhere')
    .argument('<name>')
    .argument('[address]')
    .addOption(languageOption())
    .action(setMail)
}

export const languageOption = () =>
  new Option('--language <tag>', 'in which mails to this user are written').choices(LOCALES)

/** @throws OperatorError where it is not an address. */
export function contactIn(options: { readonly mail?: string; readonly language?: string }): {
  readonly mail?: string
  readonly language?: Locale
} {
  const { mail, language } = options
  if (mail !== undefined && !isMailAddress(mail))
    throw new OperatorError(`"${mail}" is not a mail address; write ada@example.org, say`)
  return { mail, language: isLocale(language) ? language : undefined }
}

async function setMail(typed: string, address: string | undefined, options: Options): Promise<void> {
  const name = userNamed(typed)
  const { mail, language } = contactIn({ mail: address, language: options.language })
  await withRecords(options, async (store) => {
    const answer = await store.records.users.change(name, { mail: mail ?? null, language })
    if (answer !== 'changed') throw new OperatorError(`there is no user ${name}`)
    await recordAudit(store, { kind: 'user.changed', user: name, detail: `mail ${mail ?? 'none'}` })
    print(options.json, { name, mail, language }, () => [
      mail === undefined ? `No mails are sent to ${name}.` : `Mails to ${name} go to ${mail}.`,
    ])
  })
}
