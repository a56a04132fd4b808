import type { Command } from 'commander'
import { Complaint } from './complaint.ts'
import { type CommonOptions, userNamed, verb, withStore, witness } from './office.ts'
import { print } from './output.ts'

export function userRemoveCommand(): Command {
  return verb('remove', 'remove the user with their authenticator; sessions and audit events stay')
    .argument('<name>')
    .action(remove)
}

async function remove(typed: string, options: CommonOptions): Promise<void> {
  const name = userNamed(typed)
  await withStore(options, async (store) => {
    if (!(await store.records.users.remove(name))) throw new Complaint(`there is no user ${name}`)
    await witness(store, { kind: 'user.removed', user: name })
    print(options.json, { name, removed: true }, () => [`${name} is removed.`])
  })
}
