import type { Kysely } from 'kysely'
import { ADDRESS_KNOWN_MS } from '../domain/lockout.ts'
import type { LoginQuery } from '../domain/login-records.ts'
import { type Place, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

/** Whether the user was let in from this address a short while ago. */
export async function isKnownAddress(
  db: Kysely<Tables>,
  { user, address, now }: Pick<LoginQuery, 'user' | 'address' | 'now'>,
): Promise<boolean> {
  if (address === undefined) return false
  const { rows } = await grantedFrom(db, { user, address, since: now - ADDRESS_KNOWN_MS })
  return rows.length > 0
}

const grantedFrom = prepared((db, value: Place<{ user: string; address: string; since: number }>) =>
  db
    .selectFrom('sessions')
    .select('id')
    .where('user_stem', '=', value('user'))
    .where('address', '=', value('address'))
    .where('granted_at', '>=', value('since'))
    .limit(1),
)
