import type { Command } from 'commander'
import { userQuotasOf } from '../app/user-quotas.ts'
import { parseDuration } from '../domain/duration.ts'
import { OperatorError } from '../domain/errors.ts'
import { parseOctets } from '../domain/octets.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { type CommonOptions, command, readable, withStore } from './command.ts'
import { operator } from './operator.ts'
import { printQuotas } from './quota-show.ts'

interface Options extends CommonOptions {
  readonly traffic?: string
  readonly time?: string
  readonly reason: string
}

export function quotaAddCommand(): Command {
  return command('add', 'let a user use more, for the periods that hold today')
    .argument('<name>')
    .option('--traffic <size>', 'such as 10GB, for every quota of the user that counts traffic')
    .option('--time <duration>', 'such as 5h, for every quota of the user that counts time')
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .action(add)
}

async function add(user: string, { traffic, time, ...options }: Options): Promise<void> {
  const reason = readable('--reason', options.reason)
  const octets = amountOf('--traffic', traffic, parseOctets, '10GB')
  const seconds = Math.floor(amountOf('--time', time, parseDuration, '5h') / 1000)
  if (octets + seconds === 0) throw new OperatorError('say how much: --traffic 10GB, or --time 5h')
  await withStore(options, async (store, config) => {
    const quotas = userQuotasOf(config, store, SYSTEM_RUNTIME)
    const added = await quotas.add(user, { octets, seconds }, { actor: operator(), reason })
    if (added === undefined) throw new OperatorError(`no identity store knows ${user}`)
    if (added === 'no_quota') throw new OperatorError(`${user} has no quota of that kind to add to`)
    printQuotas(options.json, added)
  })
}

function amountOf(
  option: string,
  typed: string | undefined,
  read: (text: string) => number | undefined,
  example: string,
): number {
  if (typed === undefined) return 0
  const amount = read(typed)
  if (amount !== undefined && amount > 0) return amount
  throw new OperatorError(`${option}: "${typed}" is no amount; write it as ${example}`)
}
