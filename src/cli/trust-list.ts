import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { type CommonOptions, command, userNamed, withRecords } from './command.ts'
import { moment, print, table } from './output.ts'

const LIMIT = 1000

export function trustListCommand(): Command {
  return command('list', 'list the networks from which users need no code for some time, newest first')
    .argument('[name]', 'of this user only')
    .action(list)
}

async function list(typed: string | undefined, options: CommonOptions): Promise<void> {
  const user = typed === undefined ? undefined : userNamed(typed)
  await withRecords(options, async ({ records }) => {
    const trusts = await records.trusts.list({ user, now: systemClock.now(), limit: LIMIT })
    const rows = trusts.map(({ subject, source, network, madeAt, expiresAt, usedAt, uses }) => [
      subject,
      source,
      network,
      moment(madeAt),
      moment(expiresAt),
      String(uses),
      moment(usedAt),
    ])
    print(options.json, trusts, () =>
      rows.length === 0
        ? ['Nobody is trusted.']
        : table(['USER', 'STORE', 'NETWORK', 'SINCE', 'UNTIL', 'LOGINS', 'LAST'], rows),
    )
  })
}
