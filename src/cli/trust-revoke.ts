import type { Command } from 'commander'
import { type CommonOptions, command, readable, recordAudit, userNamed, withRecords } from './command.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly reason: string
}

export function trustRevokeCommand(): Command {
  return command('revoke', 'ask the user for a code again everywhere; with a realm only that store’s user')
    .argument('<name>')
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .action(revoke)
}

async function revoke(typed: string, { reason, ...options }: Options): Promise<void> {
  const user = userNamed(typed)
  const detail = readable('--reason', reason)
  await withRecords(options, async (store) => {
    const count = await store.records.trusts.revokeAllOf(user)
    if (count > 0) await recordAudit(store, { kind: 'trust.revoked', user, detail })
    print(options.json, { user, revoked: count }, () => [
      count === 0 ? `${user} was trusted nowhere.` : `${user} needs a code again. Networks: ${count}.`,
    ])
  })
}
