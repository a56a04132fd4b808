import type { Command } from 'commander'
import { userQuotasOf } from '../app/user-quotas.ts'
import { OperatorError } from '../domain/errors.ts'
import { amountText, type QuotaStanding, quotaWords } from '../domain/quota.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { quotaWire } from '../http/api/wire.ts'
import type { UserStandings } from '../manage/user-quotas.ts'
import { type CommonOptions, command, withStore } from './command.ts'
import { print, table } from './output.ts'

export function quotaShowCommand(): Command {
  return command('show', 'what is left of the quotas of a user').argument('<name>').action(show)
}

async function show(user: string, options: CommonOptions): Promise<void> {
  await withStore(options, async (store, config) => {
    const found = await userQuotasOf(config, store, SYSTEM_RUNTIME).find(user)
    if (found === undefined) throw new OperatorError(`no identity store knows ${user}`)
    printQuotas(options.json, found)
  })
}

export function printQuotas(json: boolean | undefined, { subject, standings }: UserStandings): void {
  print(json, { user: subject, items: standings.map(quotaWire) }, () =>
    standings.length === 0
      ? [`No quota counts for ${subject}.`]
      : table(['POLICY', 'QUOTA', 'USED', 'LEFT', 'BEGINS AGAIN'], standings.map(rowOf)),
  )
}

function rowOf({ quota, used, most, left, beginsAgain }: QuotaStanding): string[] {
  const amount = (count: number) => amountText(quota.measure, count)
  return [quota.policy, quotaWords(quota, most), amount(used), amount(left), beginsAgain]
}
