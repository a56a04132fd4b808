import { type Expression, type Kysely, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Lockout } from '../domain/lockout.ts'
import type { HandMadeLock, LockoutDesk, LockoutSearch } from '../domain/lockout-desk.ts'
import { customerNetwork } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import { writeEvents } from './audit.ts'
import { lockoutOf, lockoutRow } from './lockout-rows.ts'
import { forgetFailures } from './lockouts.ts'
import type { LockoutRow, Tables } from './schema.ts'

/**
 * Up to this many lockouts in force are found by their ends and sorted; where there are more, the newest of all
 * lockouts are looked through until a page is full.
 */
const FEW = 2000

type Query = SelectQueryBuilder<Tables, 'lockouts', LockoutRow>

export class SqlLockoutDesk implements LockoutDesk {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  async search(search: LockoutSearch): Promise<readonly Lockout[]> {
    const { user, address, gateway, scope, since, before, order, after, limit } = search
    let lockouts: Query = this.#db.selectFrom('lockouts').selectAll()
    if (user !== undefined) lockouts = lockouts.where('user_stem', '=', user)
    if (address !== undefined) lockouts = lockouts.where('address', '=', customerNetwork(address))
    const isTimed = since !== undefined || before !== undefined
    // An expression, which no index answers: all lockouts of a gateway may be nearly all that there are.
    const ofGateway = isTimed ? sql<string>`${sql.ref('gateway')} || ''` : sql<string>`${sql.ref('gateway')}`
    if (gateway !== undefined) lockouts = lockouts.where(ofGateway, '=', gateway)
    if (scope !== undefined) lockouts = lockouts.where('scope', '=', scope)
    if (since !== undefined) lockouts = lockouts.where('since', '>=', since)
    if (before !== undefined) lockouts = lockouts.where('since', '<', before)
    const areFew = search.state === 'in_force' && (await this.countInForce(search.now, FEW)) < FEW
    lockouts = inState(lockouts, search, areFew)
    const direction = order === 'newest' ? 'desc' : 'asc'
    // Identifiers follow the time; but to come to a time by them would be to walk through all that is newer.
    if (isTimed) {
      if (after !== undefined) lockouts = lockouts.where(this.#isBeyond(after, order))
      lockouts = lockouts.orderBy('since', direction)
    } else if (after !== undefined) lockouts = lockouts.where('id', order === 'newest' ? '<' : '>', after)
    // For few an expression, again: they are found by their ends and sorted, not looked for among all others.
    const place = areFew ? sql<string>`${sql.ref('id')} || ''` : sql<string>`${sql.ref('id')}`
    return (await lockouts.orderBy(place, direction).limit(limit).execute()).map(lockoutOf)
  }

  async find(id: string): Promise<Lockout | undefined> {
    const row = await this.#db.selectFrom('lockouts').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : lockoutOf(row)
  }

  async countInForce(now: number, atMost: number): Promise<number> {
    const inForce = this.#db
      .selectFrom('lockouts')
      .select('id')
      .where('released_at', 'is', null)
      .where('ends_at', '>', now)
      .limit(atMost)
    const { count } = await this.#db
      .selectFrom(inForce.as('some'))
      .select((select) => select.fn.countAll<number | string>().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async lock({ by, ...wanted }: HandMadeLock): Promise<Lockout> {
    const lockout: Lockout = { ...wanted, cause: 'by_hand' }
    const { user, address, scope, reason, since, until } = lockout
    const end = until === undefined ? 'without an end' : `until ${new Date(until).toISOString()}`
    return this.#db.transaction().execute(async (db) => {
      const row = lockoutRow(lockout)
      await db.insertInto('lockouts').values(row).execute()
      const detail = `${scope} locked ${end}: ${reason}`
      const event = { id: this.#random.id(), at: since, actor: by, user, address, reason: 'by_hand', detail }
      await writeEvents(db, [{ ...event, kind: 'lockout.made' }])
      return lockoutOf(row)
    })
  }

  release(id: string, by: string, reason: string, now: number): ReturnType<LockoutDesk['release']> {
    return this.#db.transaction().execute(async (db) => {
      const known = await db
        .selectFrom('lockouts')
        .select('user_stem')
        .where('id', '=', id)
        .executeTakeFirst()
      if (known === undefined) return { kind: 'unknown' }
      if (known.user_stem !== null) await takeTurns(db, known.user_stem)
      const row = await db
        .updateTable('lockouts')
        .set({ released_at: now, released_by: by, release_reason: reason })
        .where('id', '=', id)
        .where('ends_at', '>', now)
        .where('released_at', 'is', null)
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) return { kind: 'not_in_force' }
      const lockout = lockoutOf(row)
      const { user, address, gateway, scope } = lockout
      const event = { id: this.#random.id(), at: now, actor: by, user, address, gateway, reason: scope }
      await writeEvents(db, [{ ...event, kind: 'lockout.released', detail: reason }])
      if (user !== undefined && !(await isLocked(db, user, now))) await forgetFailures(db, user)
      return { kind: 'released', lockout }
    })
  }

  /** Whether a lockout comes behind this one where they are sorted by their time. */
  #isBeyond(after: string, order: LockoutSearch['order']): Expression<SqlBool> {
    const last = this.#db.selectFrom('lockouts').select(['since', 'id']).where('id', '=', after)
    const place = sql`(${sql.ref('since')}, ${sql.ref('id')})`
    return order === 'newest' ? sql<SqlBool>`${place} < (${last})` : sql<SqlBool>`${place} > (${last})`
  }
}

function inState(lockouts: Query, { state, now }: LockoutSearch, areFew: boolean): Query {
  switch (state) {
    case undefined:
      return lockouts
    case 'released':
      return lockouts.where('released_at', 'is not', null)
    case 'ended':
      return lockouts.where('released_at', 'is', null).where('ends_at', '<=', now)
    case 'in_force': {
      const unreleased = lockouts.where('released_at', 'is', null)
      // An expression, which no index by ends answers: sorting all of them would take longer than finding a page.
      return areFew
        ? unreleased.where('ends_at', '>', now)
        : unreleased.where(sql<number>`${sql.ref('ends_at')} + 0`, '>', now)
    }
  }
}

/**
 * Releases of one user go one after another: of two at once neither would see the end of the other's lock, and the
 * user's failures would go on counting. Where there is no count there is none to forget.
 */
async function takeTurns(db: Kysely<Tables>, user: string): Promise<void> {
  await db
    .updateTable('login_state')
    .set((row) => ({ consecutive_failures: row.ref('consecutive_failures') }))
    .where('user_stem', '=', user)
    .execute()
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
