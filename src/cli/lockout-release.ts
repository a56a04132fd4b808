import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { accountNamed } from './account-named.ts'
import { type CommonOptions, command, readable, withStore } from './command.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly reason: string
}

export function lockoutReleaseCommand(): Command {
  return command('release', 'release every lockout that names the user')
    .argument('<name>')
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .action(release)
}

async function release(typed: string, options: Options): Promise<void> {
  const reason = readable('--reason', options.reason)
  await withStore(options, async (store) => {
    const { records } = store
    const { user } = await accountNamed(typed, store)
    const released = await records.lockouts.releaseUser(user, operator(), reason, systemClock.now())
    print(options.json, released, () => [
      released.length === 0
        ? `No lockout of ${user} is in force.`
        : `Released ${released.length} of ${user}.`,
    ])
  })
}
