import { type Command, Option } from 'commander'
import { OperatorError } from '../domain/errors.ts'
import { isDay } from '../domain/site-days.ts'
import { USAGE_KEYS, type Usage, type UsageKey, type UsageSearch } from '../domain/usage.ts'
import { usageFile, usageWire } from '../http/api/usage-file.ts'
import { type CommonOptions, command, userNamed, withRecords } from './command.ts'
import { writeExport } from './export.ts'
import { octets, print, table, timeSpan } from './output.ts'

interface Options extends CommonOptions {
  readonly user?: string
  readonly gateway?: string
  readonly policy?: string
  readonly from?: string
  readonly to?: string
  readonly by?: UsageKey
  readonly per: 'day' | 'total'
  readonly csv?: boolean
}

const LIMIT = 10_000

export function usageCommand(): Command {
  return command('usage')
    .option('--user <name>', 'of this user only; with the realm, where the user has one')
    .option('--gateway <name>', 'through this gateway only')
    .option('--policy <name>', 'by this policy only')
    .option('--from <day>', 'from this day on: 2026-07-01')
    .option('--to <day>', 'up to this day')
    .addOption(new Option('--by <what>', 'a row for each; left out, all together').choices(USAGE_KEYS))
    .addOption(
      new Option('--per <time>', 'a row for each day, or one').choices(['day', 'total']).default('total'),
    )
    .option('--csv', 'print CSV, all of it')
    .action(showUsage)
}

async function showUsage(options: Options): Promise<void> {
  const { by, per, gateway, policy, csv, json } = options
  const search: Omit<UsageSearch, 'after' | 'limit'> = {
    user: options.user === undefined ? undefined : userNamed(options.user),
    gateway,
    policy,
    from: dayOf('--from', options.from),
    to: dayOf('--to', options.to),
    by,
    perDay: per === 'day',
  }
  await withRecords(options, async ({ records: { usage } }) => {
    if (csv)
      return writeExport<Usage>({
        form: usageFile(by, per === 'day').csv,
        chunk: (after, limit) => usage.list({ ...search, after, limit }),
      })
    const found = await usage.list({ ...search, limit: LIMIT })
    const rows = found.map(({ key, day, seconds, octetsIn, octetsOut }) => [
      ...(by === undefined ? [] : [key === '' ? '-' : (key ?? '-')]),
      ...(day === undefined ? [] : [day]),
      timeSpan(seconds),
      octets(octetsIn),
      octets(octetsOut),
    ])
    const headings = [...(by === undefined ? [] : [by.toUpperCase()]), ...(per === 'day' ? ['DAY'] : [])]
    print(
      json,
      found.map((each) => usageWire(each, by)),
      () =>
        rows.length === 0 ? ['Nothing was used.'] : table([...headings, 'TIME', 'RECEIVED', 'SENT'], rows),
    )
  })
}

function dayOf(option: string, typed: string | undefined): string | undefined {
  if (typed === undefined || isDay(typed)) return typed
  throw new OperatorError(`${option}: "${typed}" is no day; write it as 2026-07-01`)
}
