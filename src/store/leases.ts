import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely'
import { type LeaseStore, type PoolLayout, type PoolUsage, UNHEARD_MS } from '../domain/address-pool.ts'
import type { LeaseRow, Tables } from './schema.ts'

/** Rows in one statement, well below the 32,766 values that SQLite takes. */
const PAGE = 500

export class SqlLeases implements LeaseStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  layOut(pools: readonly PoolLayout[]): Promise<void> {
    const wanted = new Map(
      pools.flatMap(({ pool, addresses }) =>
        addresses.map((address, place) => [address, { pool, place }] as const),
      ),
    )
    return this.#db.transaction().execute(async (db) => {
      const rows = await db.selectFrom('leases').select(['address', 'pool', 'session']).execute()
      const gone = rows.filter(({ address, pool }) => pool !== null && !wanted.has(address))
      const free = rows.filter(({ address, session }) => session === null && !wanted.has(address))
      await move(db, gone, null)
      await forget(db, free)
      for (const { pool } of pools)
        await move(
          db,
          rows.filter((row) => row.pool !== pool && wanted.get(row.address)?.pool === pool),
          pool,
        )
      for (const { address } of rows) wanted.delete(address)
      await add(
        db,
        [...wanted].map(([address, { pool, place }]) => ({ address, pool, freed_at: place })),
      )
    })
  }

  async usage(): Promise<readonly PoolUsage[]> {
    const rows = await this.#db
      .selectFrom('leases')
      .select((row) => [
        row.ref('pool').$notNull().as('pool'),
        row.fn.countAll<number>().as('size'),
        row.fn.count<number>('session').as('held'),
      ])
      .where('pool', 'is not', null)
      .groupBy('pool')
      .orderBy('pool')
      .execute()
    return rows
  }

  async reap(now: number, watchedMs: number): Promise<number> {
    return this.#db.transaction().execute(async (db) => {
      const silent = await freeWhere(db, now, (row) =>
        row.and([row('heard_at', '<', sql<number>`${now} - kept_ms`), row('kept_ms', '<', watchedMs)]),
      )
      return watchedMs > UNHEARD_MS ? silent + (await this.#reapUnheard(db, now)) : silent
    })
  }

  /**
   * A login of which accounting told nothing is given up where the same gateway told of later ones; from a gateway that
   * tells of none nothing can be concluded.
   */
  async #reapUnheard(db: Kysely<Tables>, now: number): Promise<number> {
    const heard = await db
      .selectFrom('leases')
      .select((row) => ['gateway', row.fn.max('heard_at').as('last')])
      .where('heard_at', 'is not', null)
      .groupBy('gateway')
      .execute()
    let freed = 0
    for (const { gateway, last } of heard)
      freed += await freeWhere(db, now, (row) =>
        row.and([
          row('heard_at', 'is', null),
          row('gateway', '=', gateway),
          row('taken_at', '<', Math.min(Number(last), now - UNHEARD_MS)),
        ]),
      )
    return freed
  }
}

type Condition = (row: ExpressionBuilder<Tables, 'leases'>) => Expression<SqlBool>

async function freeWhere(db: Kysely<Tables>, now: number, condition: Condition): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('leases')
    .set({ session: null, freed_at: now })
    .where('session', 'is not', null)
    .where(condition)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

type Addresses = readonly Pick<LeaseRow, 'address'>[]

async function move(db: Kysely<Tables>, rows: Addresses, pool: string | null): Promise<void> {
  for (const addresses of pagesOf(rows.map(({ address }) => address)))
    await db.updateTable('leases').set({ pool }).where('address', 'in', addresses).execute()
}

/** What was taken meanwhile stays. */
async function forget(db: Kysely<Tables>, rows: Addresses): Promise<void> {
  for (const addresses of pagesOf(rows.map(({ address }) => address)))
    await db.deleteFrom('leases').where('address', 'in', addresses).where('session', 'is', null).execute()
}

/** Another broker that starts at the same moment adds the same. */
async function add(
  db: Kysely<Tables>,
  rows: readonly Pick<LeaseRow, 'address' | 'pool' | 'freed_at'>[],
): Promise<void> {
  for (const page of pagesOf(rows))
    await db
      .insertInto('leases')
      .values(page.map((row) => ({ ...EMPTY, ...row })))
      .onConflict((conflict) => conflict.column('address').doNothing())
      .execute()
}

const EMPTY = {
  ...{ subject: null, gateway: null, session: null },
  ...{ taken_at: null, heard_at: null, kept_ms: null },
}

function* pagesOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += PAGE) yield rows.slice(from, from + PAGE)
}
