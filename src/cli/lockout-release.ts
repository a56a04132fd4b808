import { type Command, Option } from 'commander'
import type { Store } from '../app/storage.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { LOCKOUT_HINTS, type LockoutHint } from '../domain/lockout-hint.ts'
import { parsePlace } from '../domain/network.ts'
import { MAX_AT_ONCE, type ReleaseWanted, releaseLockouts } from '../manage/release-lockouts.ts'
import { accountNamed } from './account-named.ts'
import { type CommonOptions, command, readable, withStore } from './command.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly reason: string
  readonly id?: readonly string[]
  readonly hint?: LockoutHint
  readonly address?: string
  readonly gateway?: string
}

export function lockoutReleaseCommand(): Command {
  return command('release', 'release every lockout in force that names the user, or that the options find')
    .argument('[name]')
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .option('--id <id...>', 'the lockouts with these identifiers')
    .addOption(
      new Option('--hint <hint>', 'what speaks for or against a release').choices([...LOCKOUT_HINTS]),
    )
    .option('--address <address>', 'of this address, or of the network around it')
    .option('--gateway <name>', 'of this gateway')
    .action(release)
}

async function release(typed: string | undefined, options: Options): Promise<void> {
  const reason = readable('--reason', options.reason)
  await withStore(options, async (store) => {
    const { lockouts } = store.records
    const { hint, gateway } = options
    const address = placeIn(options)
    const user = typed === undefined ? undefined : (await accountNamed(typed, store)).user
    if (options.id !== undefined && [user, hint, gateway, address].some((each) => each !== undefined))
      throw new OperatorError('--id stands alone: the identifiers say which lockouts are meant')
    if (options.id !== undefined) return releaseMany({ ids: options.id }, reason, options, store)
    if ([hint, gateway, address].some((each) => each !== undefined))
      return releaseMany({ filter: { user, hint, gateway, address } }, reason, options, store)
    if (user === undefined)
      throw new OperatorError('name the user, or use --id, --hint, --address or --gateway')
    const released = await lockouts.releaseUser(user, operator(), reason, systemClock.now())
    print(options.json, released, () => [
      released.length === 0
        ? `No lockout of ${user} is in force.`
        : `Released ${released.length} of ${user}.`,
    ])
  })
}

async function releaseMany(
  wanted: ReleaseWanted,
  reason: string,
  { json }: Options,
  { records }: Store,
): Promise<void> {
  const by = { by: operator(), reason }
  const answer = await releaseLockouts(wanted, by, { store: records.lockouts, clock: systemClock })
  print(json, answer, () => [
    `Released ${answer.released.length}.`,
    ...answer.left.map(({ id }) => `${id} is not in force.`),
    ...(answer.isMore ? [`There are more than ${MAX_AT_ONCE}: run the command again.`] : []),
  ])
}

function placeIn({ address }: Options): string | undefined {
  if (address === undefined) return undefined
  const place = parsePlace(address)
  if (place === undefined) throw new OperatorError(`--address ${address} is not an IP address`)
  return place
}
