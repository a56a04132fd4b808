import { type Command, Option } from 'commander'
import { AUDIT_KINDS, type AuditKind } from '../domain/audit.ts'
import { systemClock } from '../domain/clock.ts'
import { parseDuration } from '../domain/duration.ts'
import { OperatorError } from '../domain/errors.ts'
import { parseSearchedPlace } from '../domain/network.ts'
import { accountNamed } from './account-named.ts'
import { type CommonOptions, command, withStore } from './command.ts'
import { moment, print, table } from './output.ts'

interface Options extends CommonOptions {
  readonly user?: string
  readonly from?: string
  readonly gateway?: string
  readonly actor?: string
  readonly kind?: readonly AuditKind[]
  readonly since?: string
  readonly limit: string
}

const MAX_EVENTS = 100_000

export function auditCommand(): Command {
  return command('audit')
    .option('--user <name>', 'about this user only')
    .option('--from <address>', 'from this address only')
    .option('--gateway <name>', 'through this gateway only')
    .option('--actor <who>', 'done by this person, token or command line only')
    .addOption(new Option('--kind <kind...>', 'of these kinds only').choices(AUDIT_KINDS))
    .option('--since <duration>', 'of the last 30m, 24h, 7d …')
    .option('--limit <number>', 'the newest so many', '100')
    .action(audit)
}

async function audit(options: Options): Promise<void> {
  const { user, from, gateway, actor, kind, json } = options
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_EVENTS)
    throw new OperatorError(`--limit: "${options.limit}" is not a number from 1 to ${MAX_EVENTS}`)
  const since = options.since === undefined ? undefined : systemClock.now() - durationOf(options.since)
  await withStore(options, async (store) => {
    const { records } = store
    const events = await records.audit.list({
      ...(user === undefined ? {} : await accountNamed(user, store)),
      address: from === undefined ? undefined : (parseSearchedPlace(from) ?? from),
      gateway,
      actor,
      since,
      limit,
      kinds: kind,
      order: 'newest',
    })
    const rows = events.map((event) => [
      moment(event.at),
      event.kind,
      event.name ?? event.user ?? '-',
      event.address ?? '-',
      event.gateway ?? '-',
      event.actor ?? '-',
      [event.reason, event.detail, event.times && `${event.times} times`].filter(Boolean).join(': '),
    ])
    print(json, events, () =>
      rows.length === 0
        ? ['Nothing of that happened.']
        : table(['AT', 'WHAT', 'USER', 'FROM', 'GATEWAY', 'BY', 'WHY'], rows),
    )
  })
}

function durationOf(typed: string): number {
  const ms = parseDuration(typed)
  if (ms === undefined) throw new OperatorError(`--since: "${typed}" is not a duration; write it as 24h`)
  return ms
}
