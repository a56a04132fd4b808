import { type ExpressionBuilder, sql } from 'kysely'
import {
  type HeldLease,
  type Lease,
  type LeaseStore,
  type PoolUsage,
  poolOfKey,
  prefixOfKey,
} from '../domain/address-pool.ts'
import type { AuditEvent } from '../domain/audit.ts'
import { parseNetwork } from '../domain/network.ts'
import { digitsOf, rangeOf } from '../domain/prefix-pool.ts'
import { writeEvents } from './audit.ts'
import { isNobodysOwn } from './lease-allocation.ts'
import { addressOfPrefix, lockLeases } from './lease-locking.ts'
import { nullsToUndefined } from './nulls-to-undefined.ts'
import { pagesOf } from './pool-sync.ts'
import { transact } from './prepared.ts'
import type { LeaseRow, Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

/** `freed_at` of an address that is given after all others. */
const LAST = Number.MAX_SAFE_INTEGER

export class SqlLeases extends SqlRepository implements LeaseStore {
  async find(address: string): Promise<Lease | undefined> {
    const row = await this.db.selectFrom('leases').selectAll().where(isOf(address)).executeTakeFirst()
    return row && leaseOf(row)
  }

  async page({ held, after, limit }: Parameters<LeaseStore['page']>[0]): Promise<readonly Lease[]> {
    let leases = this.db.selectFrom('leases').selectAll()
    if (held !== undefined) leases = leases.where('session', held ? 'is not' : 'is', null)
    if (after !== undefined) leases = leases.where('address', '>', after)
    return (await leases.orderBy('address').limit(limit).execute()).map(leaseOf)
  }

  /** A free address that is a local user's own is not for others, so it is not counted. */
  async usage(): Promise<readonly PoolUsage[]> {
    const rows = await this.db
      .selectFrom('leases')
      .select((row) => [
        row.ref('pool').$notNull().as('pool'),
        row.fn.countAll<number>().as('size'),
        row.fn.count<number>('session').as('held'),
      ])
      .where('pool', 'is not', null)
      .where((row) =>
        row.or([row('session', 'is not', null), row.and([isNobodysOwn.ipv4, isNobodysOwn.ipv6])]),
      )
      .groupBy('pool')
      .orderBy('pool')
      .execute()
    return rows.map(({ pool, size, held }) => ({ ...poolOfKey(pool), size, held }))
  }

  /** Another broker that starts at the same moment adds the same. */
  async add(pool: string, addresses: Parameters<LeaseStore['add']>[1]): Promise<void> {
    if (addresses.length === 0) return
    await this.db
      .insertInto('leases')
      .values(
        addresses.map(({ address, place }) => ({
          ...EMPTY,
          ...prefixAround(address, prefixOfKey(pool)),
          address,
          pool,
          freed_at: place,
        })),
      )
      .onConflict((conflict) => conflict.column('address').doNothing())
      .execute()
  }

  async assign(addresses: readonly string[], pool?: string): Promise<void> {
    if (addresses.length === 0) return
    await transact(this.db, async (db) => {
      await lockLeases(db, (row) => row('address', 'in', addresses))
      if (pool === undefined)
        await db.deleteFrom('leases').where('address', 'in', addresses).where('session', 'is', null).execute()
      await db
        .updateTable('leases')
        .set({ pool: pool ?? null })
        .where('address', 'in', addresses)
        .execute()
    })
  }

  async reserve(): Promise<void> {
    const users = await this.db
      .selectFrom('users')
      .select(['name', 'ipv6', 'ipv6_digits'])
      .where((row) => row.or([row('ipv6', 'is not', null), row('ipv6_digits', 'is not', null)]))
      .execute()
    for (const { name, ipv6, ipv6_digits } of users) {
      const digits = ipv6 === null ? null : (digitsOf(ipv6) ?? null)
      if (digits !== ipv6_digits)
        await this.db
          .updateTable('users')
          .set({ ipv6_digits: digits })
          .where('name', '=', name)
          .where('ipv6', ipv6 === null ? 'is' : '=', ipv6)
          .execute()
    }
  }

  async tidy(): Promise<void> {
    await transact(this.db, async (db) => {
      const locked = await lockLeases(db, (row) => row.or([isOfNoPool(row), isSomebodysOwn(row)]))
      for (const some of pagesOf(locked)) {
        await db.deleteFrom('leases').where('address', 'in', some).where(isOfNoPool).execute()
        await db
          .updateTable('leases')
          .set({ freed_at: LAST })
          .where('address', 'in', some)
          .where(isSomebodysOwn)
          .execute()
      }
    })
  }

  async reap(dead: readonly HeldLease[], at: number): Promise<number> {
    if (dead.length === 0) return 0
    return transact(this.db, async (db) => {
      const addresses = dead.map(({ address }) => address)
      await lockLeases(db, (row) => row('address', 'in', addresses))
      let freed = 0
      for (const { address, session, lastSeenAt } of dead) {
        const { numUpdatedRows } = await db
          .updateTable('leases')
          .set({ session: null, freed_at: at })
          .where('address', '=', address)
          .where('session', '=', session)
          .where('heard_at', lastSeenAt === undefined ? 'is' : '=', lastSeenAt ?? null)
          .executeTakeFirst()
        freed += Number(numUpdatedRows)
      }
      return freed
    })
  }

  release(address: string, event: AuditEvent): Promise<Lease | undefined> {
    return transact(this.db, async (db) => {
      const row = await db
        .selectFrom('leases')
        .selectAll()
        .where(isOf(address))
        .where('session', 'is not', null)
        .executeTakeFirst()
      if (row === undefined) return undefined
      await db
        .updateTable('leases')
        .set({ session: null, freed_at: event.at })
        .where('address', '=', row.address)
        .where('session', '=', row.session)
        .execute()
      await writeEvents(db, [event])
      return leaseOf(row)
    })
  }
}

function isOfNoPool(row: ExpressionBuilder<Tables, 'leases'>) {
  return row.and([row('pool', 'is', null), row('session', 'is', null)])
}

/** Free, a local user's own, and not yet given after all others. */
function isSomebodysOwn(row: ExpressionBuilder<Tables, 'leases'>) {
  const own = row
    .selectFrom('users')
    .select((user) => user.ref('ipv4').$notNull().as('address'))
    .where('ipv4', 'is not', null)
  const around = row
    .selectFrom('users')
    .select(addressOfPrefix(sql.ref('users.ipv6_digits')).as('address'))
    .where('ipv6_digits', 'is not', null)
  return row.and([
    row('session', 'is', null),
    row('freed_at', '<', LAST),
    row.or([row('address', 'in', own), row('address', 'in', around)]),
  ])
}

/** The lease of an address: its own, or that of the IPv6 prefix around it. */
function isOf(address: string) {
  const digits = digitsOf(address)
  return sql<boolean>`address = ${digits === undefined ? address : addressOfPrefix(sql.val(digits))}`
}

function prefixAround(
  address: string,
  prefix: number | undefined,
): Pick<LeaseRow, 'first_digits' | 'last_digits'> {
  const network = prefix === undefined ? undefined : parseNetwork(`${address}/${prefix}`)
  if (network === undefined) return { first_digits: null, last_digits: null }
  const { first, last } = rangeOf(network)
  return { first_digits: first, last_digits: last }
}

const EMPTY = {
  subject: null,
  gateway: null,
  session: null,
  taken_at: null,
  heard_at: null,
  kept_ms: null,
  contested: 0,
}

function leaseOf(row: LeaseRow): Lease {
  const { first_digits: first, last_digits: last } = row
  return nullsToUndefined({
    address: row.address,
    range: first === null || last === null ? null : { first, last },
    pool: row.pool,
    session: row.session,
    subject: row.subject,
    gateway: row.gateway,
    lastSeenAt: row.heard_at,
    staleAfterMs: row.kept_ms,
  })
}
