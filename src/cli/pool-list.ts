import type { Command } from 'commander'
import { type CommonOptions, verb, withStore } from './office.ts'
import { print, table } from './output.ts'

export function poolListCommand(): Command {
  return verb('list', 'list the pools of addresses, and how many addresses sessions hold').action(list)
}

async function list(options: CommonOptions): Promise<void> {
  await withStore(options, async ({ records }, { pools }) => {
    const usage = await records.leases.usage()
    const rows = usage.map(({ pool, size, held }) => [
      pool,
      pools.find(({ name }) => name === pool)?.network.text ?? '-',
      ...[size, held, size - held].map(String),
    ])
    print(options.json, usage, () =>
      rows.length === 0
        ? ['There are no pools. They are made when a broker starts whose configuration has some.']
        : table(['POOL', 'NETWORK', 'ADDRESSES', 'HELD', 'FREE'], rows),
    )
  })
}
