import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import {
  type Lockout,
  type LockoutSearch,
  type LockoutStore,
  MAX_RELEASED,
  type ManualLockout,
} from '../domain/lockout.ts'
import type { Randomness } from '../domain/random.ts'
import { writeEvents } from './audit.ts'
import { lockoutOf, lockoutRow } from './lockout-rows.ts'
import type { LockoutRow } from './lockout-schema.ts'
import { countByHint, countInForce, searchLockouts } from './lockout-search.ts'
import { forgetFailures, holdFailures } from './login-failures.ts'
import { orderEnds } from './order-ends.ts'
import { orderUnbans } from './order-unbans.ts'
import { locksRows, transact } from './prepared.ts'
import type { Tables } from './schema.ts'
import { searchColumn } from './subnet-columns.ts'
import { isWithin } from './within-network.ts'

/** Who releases, why, and when (wall milliseconds). */
interface Release {
  readonly by: string
  readonly reason: string
  readonly now: number
}

export class SqlLockouts implements LockoutStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  list(search: LockoutSearch): Promise<readonly Lockout[]> {
    return searchLockouts(this.#db, search)
  }

  async find(id: string): Promise<Lockout | undefined> {
    const row = await this.#db.selectFrom('lockouts').selectAll().where('id', '=', id).executeTakeFirst()
    return row && lockoutOf(row)
  }

  countInForce(now: number, atMost: number, over?: readonly string[]): Promise<number> {
    return countInForce(this.#db, now, atMost, over)
  }

  countByHint(...search: Parameters<LockoutStore['countByHint']>): ReturnType<LockoutStore['countByHint']> {
    const [part, now, atMost] = search
    return countByHint(this.#db, part, now, atMost)
  }

  async lock({ by, ...wanted }: ManualLockout): Promise<Lockout> {
    const lockout: Lockout = { ...wanted, cause: 'by_hand', hint: 'by_hand' }
    const { user, name, address, scope, reason, since, until } = lockout
    const end = until === undefined ? 'without an end' : `until ${new Date(until).toISOString()}`
    return transact(this.#db, async (db) => {
      const row = lockoutRow(lockout)
      await db.insertInto('lockouts').values(row).execute()
      const detail = `${scope} locked ${end}: ${reason}`
      const event = {
        id: this.#random.id(),
        at: since,
        actor: by,
        user,
        name,
        address,
        reason: 'by_hand',
        detail,
      }
      await writeEvents(db, [{ ...event, kind: 'lockout.made' }])
      const ends = { reason: 'locked', by, at: since, detail: reason } as const
      await orderEnds(db, coveredBy(row), ends, this.#random)
      return lockoutOf(row)
    })
  }

  releaseUser(user: string, by: string, reason: string, now: number): Promise<readonly Lockout[]> {
    return transact(this.#db, async (db) => {
      const released = await this.#release(db, (row) => row('user_stem', '=', user), { by, reason, now })
      await forgetFailures(db, user)
      return released
    })
  }

  async release(id: string, by: string, reason: string, now: number): ReturnType<LockoutStore['release']> {
    const [lockout] = await this.releaseAll([id], by, reason, now)
    if (lockout !== undefined) return { kind: 'released', lockout }
    return { kind: (await this.find(id)) === undefined ? 'unknown' : 'not_in_force' }
  }

  releaseAll(ids: readonly string[], by: string, reason: string, now: number): Promise<readonly Lockout[]> {
    const wanted = ids.slice(0, MAX_RELEASED)
    if (wanted.length === 0) return Promise.resolve([])
    return transact(this.#db, async (db) => {
      for (const user of await usersOf(db, wanted)) await holdFailures(db, user)
      const released = await this.#release(db, (row) => row('id', 'in', wanted), { by, reason, now })
      const users = Map.groupBy(released, ({ user }) => user)
      for (const [user, own] of users) {
        // A count that stays at its limit would lock again at the next failure.
        const isHard = own.some(({ cause }) => cause === 'hard_limit' || cause === 'password_known')
        if (user !== undefined && (isHard || !(await isLocked(db, user, now)))) await forgetFailures(db, user)
      }
      return released
    })
  }

  /** Releases those of these that are in force, and writes an event for each. @returns them, newest first. */
  async #release(
    db: Kysely<Tables>,
    which: (row: ExpressionBuilder<Tables, 'lockouts'>) => Expression<SqlBool>,
    { by, reason, now }: Release,
  ): Promise<readonly Lockout[]> {
    const rows = await db
      .updateTable('lockouts')
      .set({ released_at: now, released_by: by, release_reason: reason })
      .where(which)
      .where('ends_at', '>', now)
      .where('released_at', 'is', null)
      .returningAll()
      .execute()
    const released = rows.map(lockoutOf).sort((a, b) => (a.id < b.id ? 1 : -1))
    const events = released.map(({ user, name, address, gateway, scope }) => ({
      id: this.#random.id(),
      at: now,
      kind: 'lockout.released' as const,
      actor: by,
      user,
      name,
      address,
      gateway,
      reason: scope,
      detail: reason,
    }))
    await writeEvents(db, events)
    const cause = { reason: 'released', by, at: now } as const
    for (const { address } of released)
      if (address !== undefined) await orderUnbans(db, address, cause, this.#random)
    return released
  }
}

/** Locks rows in one order, so that no two releases wait for each other. @returns the users, in one order too. */
async function usersOf(db: Kysely<Tables>, ids: readonly string[]): Promise<readonly string[]> {
  const known = db.selectFrom('lockouts').select('user_stem').where('id', 'in', ids).orderBy('id')
  const rows = await (locksRows(db) ? known.forUpdate() : known).execute()
  return [...new Set(rows.flatMap(({ user_stem }) => user_stem ?? []))].toSorted()
}

/** The sessions that could not begin under this lock. */
function coveredBy({ user_stem, address }: LockoutRow) {
  return (row: ExpressionBuilder<Tables, 'sessions'>) =>
    row.and([
      ...(user_stem === null ? [] : [row('user_stem', '=', user_stem)]),
      ...(address === null
        ? []
        : [searchColumn(address) === 'address' ? row('address', '=', address) : isWithin(address, row)]),
    ])
}

async function isLocked(db: Kysely<Tables>, user: string, now: number): Promise<boolean> {
  const lock = await db
    .selectFrom('lockouts')
    .select('id')
    .where('user_stem', '=', user)
    .where('ends_at', '>', now)
    .where('released_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return lock !== undefined
}
