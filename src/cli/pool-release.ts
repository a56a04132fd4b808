import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { canonicalAddress } from '../domain/network.ts'
import { systemRandom } from '../domain/random.ts'
import { type CommonOptions, command, readable, withRecords } from './command.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly reason: string
}

export function poolReleaseCommand(): Command {
  return command('release', 'free an address whose session is surely gone; one that lives would share it')
    .argument('<address>', 'IPv6: any address of the prefix')
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .action(release)
}

async function release(typed: string, { reason, ...options }: Options): Promise<void> {
  const address = canonicalAddress(typed)
  readable('--reason', reason)
  await withRecords(options, async ({ records }) => {
    const lease = await records.leases.release(address, {
      id: systemRandom.id(),
      at: systemClock.now(),
      kind: 'address.released',
      actor: operator(),
      detail: `${address}: ${reason}`,
    })
    if (lease === undefined) throw new OperatorError(`no session has ${address}`)
    print(options.json, lease, () => [`${address} is free. It was ${lease.subject ?? 'nobody'}’s.`])
  })
}
