import type { Kysely } from 'kysely'
import { ADDRESS_KNOWN_MS } from '../domain/lockout.ts'
import type { LoginQuery } from '../domain/login-records.ts'
import { customerNetwork } from '../domain/network.ts'
import { placeColumn } from './places.ts'
import { type Place, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

/** Whether the user was let in from this address, or the same customer's network, a short while ago. */
export async function isKnownAddress(
  db: Kysely<Tables>,
  { user, address, now }: Pick<LoginQuery, 'user' | 'address' | 'now'>,
): Promise<boolean> {
  if (address === undefined) return false
  const place = customerNetwork(address)
  const { rows } = await granted[placeColumn(place)](db, { user, place, since: now - ADDRESS_KNOWN_MS })
  return rows.length > 0
}

const granted = { address: grantedFrom('address'), network: grantedFrom('network') }

function grantedFrom(column: 'address' | 'network') {
  return prepared((db, value: Place<{ user: string; place: string; since: number }>) =>
    db
      .selectFrom('sessions')
      .select('id')
      .where('user_stem', '=', value('user'))
      .where(column, '=', value('place'))
      .where('granted_at', '>=', value('since'))
      .limit(1),
  )
}
