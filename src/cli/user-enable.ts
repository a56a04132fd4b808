import type { Command } from 'commander'
import { Complaint } from './complaint.ts'
import { type CommonOptions, userNamed, verb, withStore, witness } from './office.ts'
import { print } from './output.ts'

/** `user enable` and `user disable`: one act, either way. */
export function userEnableCommands(): Command[] {
  return [true, false].map((enabled) =>
    verb(
      enabled ? 'enable' : 'disable',
      enabled ? 'let the user log in again' : 'refuse every login of the user',
    )
      .argument('<name>')
      .action((name: string, options: CommonOptions) => setEnabled(name, enabled, options)),
  )
}

async function setEnabled(typed: string, enabled: boolean, options: CommonOptions): Promise<void> {
  const name = userNamed(typed)
  await withStore(options, async (store) => {
    const answer = await store.records.users.change(name, { enabled })
    if (answer !== 'changed') throw new Complaint(`there is no user ${name}`)
    await witness(store, { kind: 'user.changed', user: name, detail: enabled ? 'enabled' : 'disabled' })
    print(options.json, { name, enabled }, () => [`${name} is ${enabled ? 'enabled' : 'disabled'}.`])
  })
}
