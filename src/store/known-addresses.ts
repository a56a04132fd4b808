import type { Kysely } from 'kysely'
import { ADDRESS_KNOWN_MS } from '../domain/lockout.ts'
import type { KnownAddressQuery } from '../domain/login-records.ts'
import { customerNetwork } from '../domain/network.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'
import { searchColumn } from './subnet-columns.ts'

/**
 * Whether the user was let in from this address, or the same customer's network, a short while ago, by whatever name.
 * While the account is not known, that is any whom the name may mean.
 */
export async function isKnownAddress(
  db: Kysely<Tables>,
  { user, account, subjects = [], address, now }: KnownAddressQuery,
): Promise<boolean> {
  if (address === undefined) return false
  const place = customerNetwork(address)
  const since = now - ADDRESS_KNOWN_MS
  const granted = grantedIn[searchColumn(place)]
  for (const who of account === undefined ? new Set([user, ...subjects]) : [account.subject])
    if ((await granted.subject(db, { who, place, since })).rows.length > 0) return true
  return account === undefined && (await granted.user(db, { who: user, place, since })).rows.length > 0
}

const grantedIn = { address: grantedFrom('address'), network: grantedFrom('network') }

function grantedFrom(column: 'address' | 'network') {
  return { user: grantedTo('user_stem', column), subject: grantedTo('subject', column) }
}

function grantedTo(whose: 'user_stem' | 'subject', column: 'address' | 'network') {
  return prepared((db, value: Param<{ who: string; place: string; since: number }>) =>
    db
      .selectFrom('sessions')
      .select('id')
      .where(whose, '=', value('who'))
      .where(column, '=', value('place'))
      .where('granted_at', '>=', value('since'))
      .limit(1),
  )
}
