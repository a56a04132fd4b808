import type { Command } from 'commander'
import { newPassword } from './ask-secret.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, userNamed, verb, withStore, witness } from './office.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly passwordStdin?: boolean
}

export function userPasswdCommand(): Command {
  return verb('passwd', 'give the user a new password')
    .argument('<name>')
    .option('--password-stdin', 'read the password from the first line of standard input')
    .action(passwd)
}

async function passwd(typed: string, options: Options): Promise<void> {
  const name = userNamed(typed)
  await withStore(options, async (store) => {
    if ((await store.records.users.find(name)) === undefined) throw new Complaint(`there is no user ${name}`)
    const passwordHash = await store.hashes.hash(await newPassword(options.passwordStdin))
    await store.records.users.change(name, { passwordHash })
    await witness(store, { kind: 'user.changed', user: name, detail: 'new password' })
    print(options.json, { name }, () => [`${name} has a new password.`])
  })
}
