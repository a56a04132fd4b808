import type { Lease, LeaseStore, PoolLayout } from '../domain/address-pool.ts'

/** Rows in one call, so that none holds up logins: each has 9 values, of which SQLite takes 32,766. */
const PAGE = 1000

/**
 * Makes the records' pools what they are in the configuration, in two steps. Adding changes nothing that anybody uses,
 * and so comes before a broker serves; what is changed or taken away waits until it does, because one that does not come
 * up must leave the others alone. Pools that the configuration does not name are other brokers', or past: they stay.
 */
export class PoolChanges {
  readonly #leases: LeaseStore
  readonly #missing: ReadonlyMap<string, readonly { readonly address: string; readonly place: number }[]>
  readonly #moved: ReadonlyMap<string, readonly string[]>
  readonly #gone: readonly string[]

  private constructor(leases: LeaseStore, pools: readonly PoolLayout[], rows: readonly Lease[]) {
    const poolOfEach = new Map(
      pools.flatMap(({ pool, addresses }) => addresses.map((address) => [address, pool])),
    )
    const poolBefore = new Map(rows.map(({ address, pool }) => [address, pool]))
    const names = new Set(pools.map(({ pool }) => pool))
    this.#leases = leases
    this.#missing = new Map(
      pools.map(({ pool, addresses }) => [
        pool,
        addresses
          .map((address, place) => ({ address, place }))
          .filter(({ address }) => !poolBefore.has(address)),
      ]),
    )
    this.#moved = new Map(
      pools.map(({ pool, addresses }) => [
        pool,
        addresses.filter((address) => poolBefore.has(address) && poolBefore.get(address) !== pool),
      ]),
    )
    this.#gone = rows.flatMap(({ address, pool }) =>
      pool !== undefined && names.has(pool) && !poolOfEach.has(address) ? [address] : [],
    )
  }

  static async between(leases: LeaseStore, pools: readonly PoolLayout[]): Promise<PoolChanges> {
    return new PoolChanges(leases, pools, pools.length === 0 ? [] : await allOf(leases))
  }

  async add(): Promise<void> {
    for (const [pool, addresses] of this.#missing)
      for (const page of pagesOf(addresses)) await this.#leases.add(pool, page)
  }

  async settle(): Promise<void> {
    for (const [pool, addresses] of this.#moved)
      for (const page of pagesOf(addresses)) await this.#leases.assign(page, pool)
    for (const page of pagesOf(this.#gone)) await this.#leases.assign(page)
    if (this.#missing.size > 0) await this.#leases.setAside()
  }
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
