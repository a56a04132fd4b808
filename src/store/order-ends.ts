import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import type { Randomness } from '../domain/random.ts'
import type { OrderCause } from '../domain/session-order.ts'
import type { Tables } from './schema.ts'
import { writeOrder } from './session-orders.ts'
import { sessionOf } from './session-rows.ts'

type Which = (row: ExpressionBuilder<Tables, 'sessions'>) => Expression<SqlBool>

/**
 * Orders the end of sessions in the transaction of what it follows from. A session that accounting has not named yet is
 * ordered by the user name that its gateway knows.
 * @returns identifiers of the open orders.
 */
export async function orderEnds(
  db: Kysely<Tables>,
  which: Which,
  cause: OrderCause,
  random: Randomness,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('sessions')
    .selectAll()
    .where('stopped_at', 'is', null)
    .where(which)
    .orderBy('id')
    .execute()
  const ids: string[] = []
  for (const { gateway, user, acctSession } of rows.map(sessionOf)) {
    const target = acctSession === undefined ? { user } : { session: acctSession }
    ids.push(await writeOrder(db, { id: random.id(), gateway, kind: 'end', target, user, ...cause }))
  }
  return ids
}

/** Sessions of a local user, and those of a user of this name whose login is not known. */
export function ofLocalUser(name: string): Which {
  return (row) =>
    row.and([
      row('user_stem', '=', usernameOf(name)),
      row.or([row('subject', '=', name), row('subject', 'is', null)]),
    ])
}
