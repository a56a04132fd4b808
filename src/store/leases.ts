import type { Kysely } from 'kysely'
import type { HeldLease, Lease, LeaseStore, PoolUsage } from '../domain/address-pool.ts'
import type { AuditEvent } from '../domain/audit.ts'
import { withoutNulls } from './absent.ts'
import { writeEvents } from './audit.ts'
import { isNobodysOwn } from './lease-taking.ts'
import type { LeaseRow, Tables } from './schema.ts'

/** `freed_at` of an address that is given after all others. */
const LAST = Number.MAX_SAFE_INTEGER

export class SqlLeases implements LeaseStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async find(address: string): Promise<Lease | undefined> {
    const row = await this.#db
      .selectFrom('leases')
      .selectAll()
      .where('address', '=', address)
      .executeTakeFirst()
    return row && leaseOf(row)
  }

  async page({ held, after, limit }: Parameters<LeaseStore['page']>[0]): Promise<readonly Lease[]> {
    let leases = this.#db.selectFrom('leases').selectAll()
    if (held !== undefined) leases = leases.where('session', held ? 'is not' : 'is', null)
    if (after !== undefined) leases = leases.where('address', '>', after)
    return (await leases.orderBy('address').limit(limit).execute()).map(leaseOf)
  }

  /** What is free and a local user's own is nobody's to take, and so is not counted. */
  async usage(): Promise<readonly PoolUsage[]> {
    return this.#db
      .selectFrom('leases')
      .select((row) => [
        row.ref('pool').$notNull().as('pool'),
        row.fn.countAll<number>().as('size'),
        row.fn.count<number>('session').as('held'),
      ])
      .where('pool', 'is not', null)
      .where((row) => row.or([row('session', 'is not', null), isNobodysOwn]))
      .groupBy('pool')
      .orderBy('pool')
      .execute()
  }

  /** Another broker that starts at the same moment adds the same. */
  async add(pool: string, addresses: Parameters<LeaseStore['add']>[1]): Promise<void> {
    if (addresses.length === 0) return
    await this.#db
      .insertInto('leases')
      .values(addresses.map(({ address, place }) => ({ ...EMPTY, address, pool, freed_at: place })))
      .onConflict((conflict) => conflict.column('address').doNothing())
      .execute()
  }

  async assign(addresses: readonly string[], pool?: string): Promise<void> {
    if (addresses.length === 0) return
    await this.#db.transaction().execute(async (db) => {
      if (pool === undefined)
        await db.deleteFrom('leases').where('address', 'in', addresses).where('session', 'is', null).execute()
      await db
        .updateTable('leases')
        .set({ pool: pool ?? null })
        .where('address', 'in', addresses)
        .execute()
    })
  }

  async tidy(): Promise<void> {
    await this.#db.deleteFrom('leases').where('pool', 'is', null).where('session', 'is', null).execute()
    await this.#db
      .updateTable('leases')
      .set({ freed_at: LAST })
      .where('address', 'in', (row) =>
        row
          .selectFrom('users')
          .select((user) => user.ref('ipv4').$notNull().as('ipv4'))
          .where('ipv4', 'is not', null),
      )
      .where('session', 'is', null)
      .where('freed_at', '<', LAST)
      .execute()
  }

  reap(dead: readonly HeldLease[], at: number): Promise<number> {
    return this.#db.transaction().execute(async (db) => {
      let freed = 0
      for (const { address, session, heardAt } of dead) {
        const { numUpdatedRows } = await db
          .updateTable('leases')
          .set({ session: null, freed_at: at })
          .where('address', '=', address)
          .where('session', '=', session)
          .where('heard_at', heardAt === undefined ? 'is' : '=', heardAt ?? null)
          .executeTakeFirst()
        freed += Number(numUpdatedRows)
      }
      return freed
    })
  }

  release(address: string, event: AuditEvent): Promise<Lease | undefined> {
    return this.#db.transaction().execute(async (db) => {
      const row = await db
        .selectFrom('leases')
        .selectAll()
        .where('address', '=', address)
        .where('session', 'is not', null)
        .executeTakeFirst()
      if (row === undefined) return undefined
      await db
        .updateTable('leases')
        .set({ session: null, freed_at: event.at })
        .where('address', '=', address)
        .where('session', '=', row.session)
        .execute()
      await writeEvents(db, [event])
      return leaseOf(row)
    })
  }
}

const EMPTY = {
  ...{ subject: null, gateway: null, session: null },
  ...{ taken_at: null, heard_at: null, kept_ms: null, contested: 0 },
}

function leaseOf(row: LeaseRow): Lease {
  return withoutNulls({
    address: row.address,
    pool: row.pool,
    session: row.session,
    subject: row.subject,
    gateway: row.gateway,
    heardAt: row.heard_at,
    keptMs: row.kept_ms,
  })
}
