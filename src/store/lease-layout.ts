import type { Lease, LeaseStore, PoolLayout } from '../domain/address-pool.ts'

/** Rows in one call, so that none holds up logins: each has 9 values, of which SQLite takes 32,766. */
const PAGE = 1000

/**
 * Makes the records' pools what they are in the configuration. Pools that it does not name are other brokers', or past:
 * they stay. To be done when nothing can keep the broker from serving any more: one that does not come up must leave the
 * pools of those that run alone.
 */
export async function layOut(leases: LeaseStore, pools: readonly PoolLayout[]): Promise<void> {
  if (pools.length === 0) return
  const before = new Map((await allOf(leases)).map(({ address, pool }) => [address, pool]))
  const wanted = new Map(pools.flatMap(({ pool, addresses }) => addresses.map((address) => [address, pool])))
  const names = new Set<string | undefined>(pools.map(({ pool }) => pool))
  for (const { pool, addresses } of pools) {
    const places = addresses.map((address, place) => ({ address, place }))
    for (const page of pagesOf(places.filter(({ address }) => !before.has(address))))
      await leases.add(pool, page)
    const isElsewhere = (address: string) => before.has(address) && before.get(address) !== pool
    for (const page of pagesOf(addresses.filter(isElsewhere))) await leases.assign(page, pool)
  }
  const gone = [...before].filter(([address, pool]) => names.has(pool) && !wanted.has(address))
  for (const page of pagesOf(gone.map(([address]) => address))) await leases.assign(page)
  await leases.tidy()
}

/** @param held whether sessions have them; all where it is left out. */
export async function allOf(leases: Pick<LeaseStore, 'page'>, held?: boolean): Promise<readonly Lease[]> {
  const all: Lease[] = []
  for (;;) {
    const page = await leases.page({ held, after: all.at(-1)?.address, limit: PAGE })
    all.push(...page)
    if (page.length < PAGE) return all
  }
}

export function* pagesOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += PAGE) yield rows.slice(from, from + PAGE)
}
