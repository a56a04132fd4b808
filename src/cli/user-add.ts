import type { Command } from 'commander'
import { withConfig } from '../app/own-calls.ts'
import { passwordRulesOf } from '../app/password-rules.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { canonicalAddress, clientAddressFault } from '../domain/network.ts'
import { PasswordHashes } from '../identity/local/password-hashes.ts'
import { isOthersName } from '../manage/namesakes.ts'
import { newPassword } from './ask-secret.ts'
import { type CommonOptions, command, newUserNamed, readable, recordAudit, withStore } from './command.ts'
import { namesakesIn } from './namesakes-in.ts'
import { print } from './output.ts'
import { contactIn, languageOption } from './user-mail.ts'

interface Options extends CommonOptions {
  readonly passwordStdin?: boolean
  readonly group?: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
  readonly expires?: string
  readonly mail?: string
  readonly language?: string
}

export function userAddCommand(): Command {
  return command('add', 'add a user; the password is asked for')
    .argument('<name>')
    .option('--password-stdin', 'read the password from the first line of standard input')
    .option('--group <group...>', 'groups that policies can name')
    .option('--ipv4 <address>', 'the address that this user always gets')
    .option('--ipv6 <address>', 'the IPv6 address that this user always gets')
    .option('--expires <date>', 'from this day on logins are refused, as 2027-01-31')
    .option('--mail <address>', 'where mails to this user go')
    .addOption(languageOption())
    .action(add)
}

async function add(typed: string, options: Options): Promise<void> {
  const name = newUserNamed(typed)
  const groups = (options.group ?? []).map((group) => readable('--group', group))
  const { mail, language } = contactIn(options)
  const expiresAt = options.expires === undefined ? undefined : dateOf(options.expires)
  await withStore(options, async (store, config) => {
    const attributes = {
      ipv4: address(options.ipv4, 'ipv4', config),
      ipv6: address(options.ipv6, 'ipv6', config),
    }
    if ((await store.records.users.find(name)) !== undefined)
      throw new OperatorError(`there is a user ${name} already`)
    if (isOthersName(name, store.candidates))
      throw new OperatorError(
        `the realm of ${name} belongs to another identity store, which alone is asked for it`,
      )
    const password = await newPassword(name, passwordRulesOf(config), options.passwordStdin)
    const passwordHash = await new PasswordHashes(config.passwords).hash(password)
    const user = {
      name,
      passwordHash,
      enabled: true,
      expiresAt,
      groups,
      attributes,
      createdAt: systemClock.now(),
      ...{ mail, language },
    }
    const answer = await store.records.users.add(user)
    if (answer === 'exists') throw new OperatorError(`there is a user ${name} already`)
    if (answer === 'address_taken')
      throw new OperatorError('another user has this address, and ocserv would give it to both')
    await recordAudit(store, { kind: 'user.added', user: name })
    const { knownTo: alsoIn, unsure, away } = await namesakesIn(store, name)
    const notCompared = [...unsure, ...away]
    print(options.json, { name, groups, ...attributes, expiresAt, mail, alsoIn, notCompared }, () => [
      `Added ${name}. Enrol an authenticator: ${withConfig('ocbroker totp enrol', options.config)} ${name}`,
      ...alsoIn.map(
        (each) => `Warning: ${each} has a user of this name too, and both share what belongs to it.`,
      ),
      ...notCompared.map((each) => `Whether ${each} has a user of this name cannot be told.`),
    ])
  })
}

function address(text: string | undefined, kind: 'ipv4' | 'ipv6', { pools }: Config): string | undefined {
  if (text === undefined) return undefined
  const fault = clientAddressFault(
    text,
    kind,
    pools.flatMap(({ ipv4 }) => ipv4 ?? []),
  )
  if (fault !== undefined) throw new OperatorError(`--${kind}: ${fault}`)
  return canonicalAddress(text)
}

function dateOf(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00`).getTime() : Number.NaN
  if (Number.isNaN(at)) throw new OperatorError(`--expires: "${text}" is no date; write it as 2027-01-31`)
  return at
}
