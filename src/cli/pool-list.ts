import type { Command } from 'commander'
import type { AddressPool, Family } from '../domain/address-pool.ts'
import { type CommonOptions, command, withRecords } from './command.ts'
import { print, table } from './output.ts'

export function poolListCommand(): Command {
  return command('list', 'list the pools of addresses, and how many addresses sessions hold').action(list)
}

async function list(options: CommonOptions): Promise<void> {
  await withRecords(options, async ({ records }, { pools }) => {
    const usage = await records.leases.usage()
    const rows = usage.map(({ pool, family, size, held }) => [
      pool,
      networkOf(
        pools.find(({ name }) => name === pool),
        family,
      ),
      ...[size, held, size - held].map(String),
    ])
    print(options.json, usage, () =>
      rows.length === 0
        ? ['There are no pools. They are made when a broker starts whose configuration has some.']
        : table(['POOL', 'NETWORK', 'ADDRESSES', 'HELD', 'FREE'], rows),
    )
  })
}

/** `10.8.0.0/22`, or `2001:db8:1::/48, /64 each`. */
function networkOf(pool: AddressPool | undefined, family: Family): string {
  if (family === 'ipv4') return pool?.ipv4?.text ?? '-'
  return pool?.ipv6 === undefined ? '-' : `${pool.ipv6.network.text}, /${pool.ipv6.prefix} each`
}
