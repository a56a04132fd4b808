import type { Command } from 'commander'
import { passwordRulesOf } from '../app/password-rules.ts'
import { OperatorError } from '../domain/errors.ts'
import { PasswordHashes } from '../identity/local/password-hashes.ts'
import { newPassword } from './ask-secret.ts'
import { type CommonOptions, command, recordAudit, userNamed, withRecords } from './command.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly passwordStdin?: boolean
}

export function userPasswdCommand(): Command {
  return command('passwd', 'give the user a new password')
    .argument('<name>')
    .option('--password-stdin', 'read the password from the first line of standard input')
    .action(passwd)
}

async function passwd(typed: string, options: Options): Promise<void> {
  const name = userNamed(typed)
  await withRecords(options, async (store, config) => {
    if ((await store.records.users.find(name)) === undefined)
      throw new OperatorError(`there is no user ${name}`)
    const password = await newPassword(name, passwordRulesOf(config), options.passwordStdin)
    const passwordHash = await new PasswordHashes(config.passwords).hash(password)
    await store.records.users.change(name, { passwordHash })
    await recordAudit(store, { kind: 'user.changed', user: name, detail: 'new password' })
    print(options.json, { name }, () => [`${name} has a new password.`])
  })
}
