import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { codeLink } from '../domain/readable-code.ts'
import type { Recipient } from '../manage/code-mails.ts'
import { PasswordLinks } from '../manage/password-links.ts'
import { demandedMails, durationOf } from './code-options.ts'
import { type CommonOptions, command, readable, userNamed, withStore } from './command.ts'
import { NOT_INVITED } from './not-invited.ts'
import { operator } from './operator.ts'
import { moment, print } from './output.ts'

interface Options extends CommonOptions {
  readonly for: string
  readonly mail?: boolean
  readonly reason?: string
}

export function userPasswordLinkCommand(): Command {
  return command('password-link', 'make a link by which the user chooses a password, once; shown this once')
    .argument('<name>')
    .option('--for <duration>', 'how long it is good, up to 30d', '24h')
    .option('--reason <text>', 'why, for the audit trail')
    .option('--mail', 'send it to the user, by the running broker, and show it to nobody')
    .action(makeLink)
}

async function makeLink(typed: string, options: Options): Promise<void> {
  const name = userNamed(typed)
  const validMs = durationOf(options.for)
  const reason = options.reason === undefined ? undefined : readable('--reason', options.reason)
  await withStore(options, async (store, config) => {
    const { passwordLinks, audit, users } = store.records
    if ((await users.find(name)) === undefined) throw new OperatorError(`there is no user ${name}`)
    const mails = options.mail === true ? demandedMails('password_link', store, config) : undefined
    const recipient = await mails?.recipientOf(name)
    if (typeof recipient === 'string') throw new OperatorError(NOT_INVITED[recipient])
    const links = new PasswordLinks({
      ...{ links: passwordLinks, audit, mails, clock: systemClock, random: systemRandom },
    })
    const made = await links.make(name, { actor: operator(), reason }, validMs, recipient)
    if (made === undefined) throw new OperatorError(NOT_INVITED.barred)
    const { publicUrl } = config.portal
    const link = publicUrl && codeLink(publicUrl, '/choose-password', name, made.code)
    const { until } = made
    print(
      options.json,
      recipient === undefined
        ? { name, code: made.code, link, until }
        : { name, mailedTo: recipient.address, until },
      () => [...shown(name, made.code, link, recipient), '', `It works once, until ${moment(until)}.`],
    )
  })
}

function shown(
  name: string,
  code: string,
  link: string | undefined,
  recipient: Recipient | undefined,
): readonly string[] {
  if (recipient !== undefined) return [`The running broker sends the link to ${recipient.address}.`]
  if (link !== undefined) return [link]
  return [code, '', `${name} enters it, with the name ${name}, at /choose-password of the portal.`]
}
