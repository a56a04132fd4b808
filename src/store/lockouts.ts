import type { Kysely } from 'kysely'
import type { Lockout, LockoutFilter, LockoutStore } from '../domain/lockout.ts'
import type { LoginQuery } from '../domain/login-records.ts'
import { customerNetwork } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import { writeEvents } from './audit.ts'
import { lockoutOf } from './lockout-rows.ts'
import { type Place, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

export class SqlLockouts implements LockoutStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  async list({ user, address, inForceAt, after, limit }: LockoutFilter): Promise<readonly Lockout[]> {
    let lockouts = this.#db.selectFrom('lockouts').selectAll()
    if (user !== undefined) lockouts = lockouts.where('user_stem', '=', user)
    if (address !== undefined) lockouts = lockouts.where('address', '=', customerNetwork(address))
    if (inForceAt !== undefined)
      lockouts = lockouts.where('ends_at', '>', inForceAt).where('released_at', 'is', null)
    if (after !== undefined) lockouts = lockouts.where('id', '<', after)
    return (await lockouts.orderBy('id', 'desc').limit(limit).execute()).map(lockoutOf)
  }

  async releaseUser(user: string, by: string, reason: string, now: number): Promise<readonly Lockout[]> {
    return this.#db.transaction().execute(async (db) => {
      const rows = await db
        .updateTable('lockouts')
        .set({ released_at: now, released_by: by, release_reason: reason })
        .where('user_stem', '=', user)
        .where('ends_at', '>', now)
        .where('released_at', 'is', null)
        .returningAll()
        .execute()
      const released = rows.map(lockoutOf).sort((a, b) => (a.id < b.id ? 1 : -1))
      await writeEvents(
        db,
        released.map(({ address, gateway, scope }) => ({
          id: this.#random.id(),
          at: now,
          kind: 'lockout.released',
          actor: by,
          user,
          ...(address === undefined ? {} : { address }),
          ...(gateway === undefined ? {} : { gateway }),
          reason: scope,
          detail: reason,
        })),
      )
      await forgetFailures(db, user)
      return released
    })
  }
}

/** The user's count of consecutive failures begins anew. */
export async function forgetFailures(db: Kysely<Tables>, user: string): Promise<void> {
  await forget(db, { user })
}

const forget = prepared((db, value: Place<{ user: string }>) =>
  db.deleteFrom('login_state').where('user_stem', '=', value('user')),
)

/**
 * Lockouts in force on the user, the address, or the two together, the longest first: the question of every
 * login, answered from two indexes.
 */
export async function locksInForce(
  db: Kysely<Tables>,
  { user, address, now }: Pick<LoginQuery, 'user' | 'address' | 'now'>,
): Promise<readonly Lockout[]> {
  const { rows } =
    address === undefined
      ? await locksOfUser(db, { user, now })
      : await locksOfBoth(db, { user, address: customerNetwork(address), now })
  return rows.sort((a, b) => b.ends_at - a.ends_at).map(lockoutOf)
}

const locksOfUser = prepared((db, value: Place<{ user: string; now: number }>) =>
  inForce(db, value('now')).where('user_stem', '=', value('user')).where('address', 'is', null),
)

const locksOfBoth = prepared(locksOnEither)

/** Where the address is null, the locks of the user alone. */
export function locksOnEither(
  db: Pick<Kysely<Tables>, 'selectFrom'>,
  value: Place<{ user: string; address: string | null; now: number }>,
) {
  return inForce(db, value('now'))
    .where('user_stem', '=', value('user'))
    .where((row) => row.or([row('address', 'is', null), row('address', '=', value('address'))]))
    .unionAll(
      inForce(db, value('now')).where('user_stem', 'is', null).where('address', '=', value('address')),
    )
}

function inForce(db: Pick<Kysely<Tables>, 'selectFrom'>, now: number) {
  return db.selectFrom('lockouts').selectAll().where('ends_at', '>', now).where('released_at', 'is', null)
}
