import type { Command } from 'commander'
import { letterOptions, openOutlet } from '../app/mails.ts'
import { systemClock } from '../domain/clock.ts'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { isMailAddress } from '../domain/mail-address.ts'
import { systemRandom } from '../domain/random.ts'
import { composeTest } from '../mail/compose.ts'
import { CannotSend } from '../mail/outlet.ts'
import { type CommonOptions, command, readConfig } from './command.ts'
import { print } from './output.ts'

export function mailTestCommand(): Command {
  return command('test', 'send one mail now, and say what the server said')
    .argument('<address>')
    .action(sendTest)
}

async function sendTest(to: string, options: CommonOptions): Promise<void> {
  if (!isMailAddress(to)) throw new OperatorError(`"${to}" is not a mail address`)
  const config = await readConfig(options)
  const letters = letterOptions(config)
  if (config.mail === undefined || letters === undefined)
    throw new OperatorError('the configuration sends no mails; add the section mail (docs/mail.md)')
  const [locale = 'en'] = config.portal.locales
  const outlet = await openOutlet(config.mail)
  const about = { id: systemRandom.id(), to, date: new Date(systemClock.now()) }
  try {
    const letter = composeTest(about, locale, letters)
    const said = await outlet.send(letter)
    print(options.json, { to, said, messageId: letter.messageId }, () => [`Sent to ${to}: ${said}`])
  } catch (error) {
    const remedy = error instanceof CannotSend ? `\n${error.remedy}` : ''
    throw new OperatorError(`not sent: ${messageOf(error)}${remedy}`)
  } finally {
    outlet.close()
  }
}
