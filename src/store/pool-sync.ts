import {
  type Lease,
  type LeaseStore,
  type PoolLayout,
  poolOfKey,
  prefixOfKey,
} from '../domain/address-pool.ts'
import { parseNetwork } from '../domain/network.ts'
import { haveCommon, prefixOf, type Range, rangeOf } from '../domain/prefix-pool.ts'

/** Rows in one call, so that no call delays logins: each has 12 values, of which SQLite takes 32,766. */
const PAGE = 1000

/**
 * Brings the stored pools in line with the configuration. Pools that it does not name stay: they may be another
 * broker's. Call it last in a start: a broker that fails to start must not change the pools of brokers that run.
 */
export async function syncPools(leases: LeaseStore, pools: readonly PoolLayout[]): Promise<void> {
  if (pools.length === 0) return
  if (pools.some(({ within }) => within !== undefined)) await leases.reserve()
  const wanted = new Map(pools.flatMap(({ pool, addresses }) => addresses.map((address) => [address, pool])))
  const before = await allOf(leases)
  const kept = new Map(
    before.filter((lease) => fits(lease, wanted)).map(({ address, pool }) => [address, pool]),
  )
  const gone = before.filter(({ address, ...lease }) => !kept.has(address) && leaves(lease, pools))
  for (const page of pagesOf(gone.map(({ address }) => address))) await leases.assign(page)
  const inTheWay = await heldOf(leases, gone)
  for (const { pool, addresses } of pools) {
    const places = addresses.map((address, place) => ({ address, place }))
    const isMissing = (address: string) => !kept.has(address) && isClear(address, pool, inTheWay)
    for (const page of pagesOf(places.filter(({ address }) => isMissing(address))))
      await leases.add(pool, page)
    const isElsewhere = (address: string) => kept.has(address) && kept.get(address) !== pool
    for (const page of pagesOf(addresses.filter(isElsewhere))) await leases.assign(page, pool)
  }
  await leases.tidy()
}

/** Whether a stored address is one of the configuration's: for IPv6, with a prefix of the same length. */
function fits({ address, range }: Lease, wanted: ReadonlyMap<string, string>): boolean {
  const pool = wanted.get(address)
  return pool !== undefined && (range && prefixOf(range)) === prefixOfKey(pool)
}

/** Whether an address is of a pool of the configuration, by its name or its place, which does not have it. */
function leaves({ pool, range }: Omit<Lease, 'address'>, pools: readonly PoolLayout[]): boolean {
  const name = pool === undefined ? undefined : poolOfKey(pool).pool
  if (pools.some((each) => poolOfKey(each.pool).pool === name)) return true
  return range !== undefined && pools.some(({ within }) => within !== undefined && haveCommon(within, range))
}

/** The prefixes of another length that sessions still have, where prefixes of pools are now. */
async function heldOf(leases: LeaseStore, gone: readonly Lease[]): Promise<readonly Range[]> {
  const prefixes = new Set(gone.flatMap(({ address, range }) => (range === undefined ? [] : [address])))
  if (prefixes.size === 0) return []
  return (await allOf(leases, true)).flatMap(({ address, range }) =>
    range !== undefined && prefixes.has(address) ? [range] : [],
  )
}

/** Whether no session has a part of the prefix from before the pool's prefixes had another length. */
function isClear(address: string, pool: string, inTheWay: readonly Range[]): boolean {
  if (inTheWay.length === 0) return true
  const network = parseNetwork(`${address}/${prefixOfKey(pool)}`)
  return network === undefined || !inTheWay.some((range) => haveCommon(range, rangeOf(network)))
}

/** @param held only leases that sessions have, or only free ones; absent: all. */
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
