import type { Kysely } from 'kysely'
import { blocks, type Lockout } from '../domain/lockout.ts'
import type { LoginQuery } from '../domain/login-records.ts'
import { lockableAround } from '../domain/network.ts'
import { lockoutOf } from './lockout-rows.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

/**
 * Lockouts in force on the user, by either name, on the address, or on the two together, the longest first: the question
 * of every login, answered from two indexes.
 */
export async function locksInForce(
  db: Kysely<Tables>,
  { user, alias = user, address, now }: Pick<LoginQuery, 'user' | 'alias' | 'address' | 'now'>,
): Promise<readonly Lockout[]> {
  const { rows } =
    address === undefined
      ? await locksOfUser(db, { user, alias, now })
      : await locksOfBoth(db, { user, alias, ...placesOf(address), now })
  return rows.sort((a, b) => b.ends_at - a.ends_at).map(lockoutOf)
}

/** The addresses of a lockout that may cover a login; an IPv4 address has but one. */
export interface Places {
  readonly address: string | null
  readonly wider: string | null
  readonly widest: string | null
}

export function placesOf(from: string | undefined): Places {
  if (from === undefined) return { address: null, wider: null, widest: null }
  const [address = from, wider = address, widest = wider] = lockableAround(from)
  return { address, wider, widest }
}

const locksOfUser = prepared((db, value: Param<{ user: string; alias: string; now: number }>) =>
  inForce(db, value('now'))
    .where('user_stem', 'in', [value('user'), value('alias')])
    .where('address', 'is', null),
)

const locksOfBoth = prepared(locksOnEither)

/** Where there are no places, the locks of the user alone. */
export function locksOnEither(
  db: Pick<Kysely<Tables>, 'selectFrom'>,
  value: Param<{ user: string; alias: string; now: number } & Places>,
) {
  const places = [value('address'), value('wider'), value('widest')]
  return inForce(db, value('now'))
    .where('user_stem', 'in', [value('user'), value('alias')])
    .where((row) => row.or([row('address', 'is', null), row('address', 'in', places)]))
    .unionAll(inForce(db, value('now')).where('user_stem', 'is', null).where('address', 'in', places))
}

/** Whether it depends on the address, known or not, which of the locks bar a login. */
export function dependOnKnownAddress(locks: readonly Lockout[]): boolean {
  return locks.some((lock) => !blocks(lock, { isKnown: true, isExempt: false }))
}

function inForce(db: Pick<Kysely<Tables>, 'selectFrom'>, now: number) {
  return db
    .selectFrom('lockouts')
    .selectAll()
    .where('ends_at', '>', now)
    .where('released_at', 'is', null)
    .where('source', 'is', null)
}
