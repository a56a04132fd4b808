import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { type CommonOptions, userNamed, verb, withStore } from './office.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly reason: string
}

export function lockoutReleaseCommand(): Command {
  return verb('release', 'release every lockout that names the user')
    .argument('<name>')
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .action(release)
}

async function release(typed: string, options: Options): Promise<void> {
  const user = userNamed(typed)
  await withStore(options, async ({ records }) => {
    const released = await records.lockouts.releaseUser(user, operator(), options.reason, systemClock.now())
    print(options.json, released, () => [
      released.length === 0
        ? `No lockout of ${user} is in force.`
        : `Released ${released.length} of ${user}.`,
    ])
  })
}
