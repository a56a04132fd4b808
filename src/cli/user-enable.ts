import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { type CommonOptions, command, recordAudit, userNamed, withRecords } from './command.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

/** `user enable` and `user disable`. */
export function userEnableCommand(enabled: boolean): Command {
  return command(
    enabled ? 'enable' : 'disable',
    enabled ? 'let the user log in again' : 'refuse every login of the user',
  )
    .argument('<name>')
    .action((name: string, options: CommonOptions) => setEnabled(name, enabled, options))
}

async function setEnabled(typed: string, enabled: boolean, options: CommonOptions): Promise<void> {
  const name = userNamed(typed)
  await withRecords(options, async (store) => {
    const answer = await store.records.users.change(
      name,
      { enabled },
      enabled ? undefined : { reason: 'disabled', by: operator(), at: systemClock.now() },
    )
    if (answer !== 'changed') throw new OperatorError(`there is no user ${name}`)
    await recordAudit(store, { kind: 'user.changed', user: name, detail: enabled ? 'enabled' : 'disabled' })
    print(options.json, { name, enabled }, () => [`${name} is ${enabled ? 'enabled' : 'disabled'}.`])
  })
}
