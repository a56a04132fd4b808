import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely'
import { locksRows } from './prepared.ts'
import type { Tables } from './schema.ts'

/**
 * Locks rows in the order of addresses, so that no two transactions wait for each other. Every transaction that changes
 * more than one lease begins with this, and changes none but these: a further row would be locked out of order.
 * @returns their addresses.
 */
export async function lockLeases(
  db: Kysely<Tables>,
  which: (row: ExpressionBuilder<Tables, 'leases'>) => Expression<SqlBool>,
): Promise<readonly string[]> {
  const leases = db.selectFrom('leases').select('address').where(which).orderBy('address')
  const rows = await (locksRows(db) ? leases.forUpdate() : leases).execute()
  return rows.map(({ address }) => address)
}

/** Those of these sessions, and those that a report names. */
export function lockLeasesOf(
  db: Kysely<Tables>,
  sessions: readonly string[],
  named: readonly string[] = [],
): Promise<readonly string[]> {
  return lockLeases(db, (row) => {
    const held = row('session', 'in', sessions)
    return named.length === 0 ? held : row.or([held, row('address', 'in', named)])
  })
}

/**
 * The address of the lease whose prefix has the IPv6 address, or null. No two prefixes have addresses in common, so the
 * last one that begins before it decides.
 */
export function addressOfPrefix(digits: Expression<string | null>) {
  return sql<string | null>`(
    select case when prefixes.last_digits >= ${digits} then prefixes.address end from leases as prefixes
    where prefixes.first_digits <= ${digits} order by prefixes.first_digits desc limit 1)`
}
