import { type Expression, type Kysely, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Lockout, LockoutSearch } from '../domain/lockout.ts'
import { LOCKOUT_HINTS, type LockoutHint } from '../domain/lockout-hint.ts'
import { endedBefore } from './ended-before.ts'
import { isOver } from './is-over.ts'
import { lockoutOf } from './lockout-rows.ts'
import type { LockoutRow } from './lockout-schema.ts'
import type { Tables } from './schema.ts'
import { isLockedAt } from './within-network.ts'

/**
 * Up to this many lockouts in force are found by their ends and sorted; where there are more, the newest of all
 * lockouts are looked through until a page is full.
 */
const FEW = 2000

const STEM = sql.ref('lockouts.user_stem')

type Query = SelectQueryBuilder<Tables, 'lockouts', LockoutRow>

export async function searchLockouts(db: Kysely<Tables>, search: LockoutSearch): Promise<readonly Lockout[]> {
  const {
    over,
    user,
    address,
    gateway,
    scope,
    hint,
    standing,
    since,
    before,
    order = 'newest',
    after,
    limit,
  } = search
  let lockouts: Query = db.selectFrom('lockouts').selectAll()
  if (over !== undefined) lockouts = lockouts.where(isOver(over, STEM))
  if (user !== undefined) lockouts = lockouts.where('user_stem', '=', user)
  if (address !== undefined) lockouts = lockouts.where((row) => isLockedAt(address, row))
  if (order === 'last_ended') {
    if (standing !== undefined) lockouts = inState(lockouts, standing, true)
    if (after !== undefined) lockouts = lockouts.where(endedBefore('lockouts', 'ends_at', after))
    const found = lockouts.orderBy('ends_at', 'desc').orderBy('id', 'desc').limit(limit)
    return (await found.execute()).map(lockoutOf)
  }
  const isTimed = since !== undefined || before !== undefined
  // An expression, which no index answers: all lockouts of a gateway may be nearly all that there are.
  const ofGateway = isTimed ? sql<string>`${sql.ref('gateway')} || ''` : sql<string>`${sql.ref('gateway')}`
  if (gateway !== undefined) lockouts = lockouts.where(ofGateway, '=', gateway)
  if (scope !== undefined) lockouts = lockouts.where('scope', '=', scope)
  if (hint !== undefined) lockouts = lockouts.where('hint', '=', hint)
  if (since !== undefined) lockouts = lockouts.where('since', '>=', since)
  if (before !== undefined) lockouts = lockouts.where('since', '<', before)
  // The lockouts of one user or address are few in any state, and have an index.
  const isCounted = standing?.state === 'in_force' && user === undefined && address === undefined
  const isByKey = order === 'name' || order === 'first_ending'
  const areFew =
    isCounted && (hint !== undefined || isByKey || (await countInForce(db, standing.at, FEW)) < FEW)
  if (standing !== undefined) lockouts = inState(lockouts, standing, areFew)
  if (isByKey) {
    const key = order === 'name' ? SHOWN_NAME : sql<string | number>`${sql.ref('ends_at')}`
    if (after !== undefined) lockouts = lockouts.where(isBeyondKey(db, after, key))
    return (await lockouts.orderBy(key).orderBy('id').limit(limit).execute()).map(lockoutOf)
  }
  const direction = order === 'newest' ? 'desc' : 'asc'
  // Identifiers follow the time, but reaching a time by them would mean a walk through all newer lockouts.
  if (isTimed) {
    if (after !== undefined) lockouts = lockouts.where(isBeyond(db, after, order))
    lockouts = lockouts.orderBy('since', direction)
  } else if (after !== undefined) lockouts = lockouts.where('id', order === 'newest' ? '<' : '>', after)
  // Few lockouts are found by their ends and then sorted, so the order must not be answered by the index of identifiers.
  const id = areFew ? sql<string>`${sql.ref('id')} || ''` : sql<string>`${sql.ref('id')}`
  return (await lockouts.orderBy(id, direction).limit(limit).execute()).map(lockoutOf)
}

export async function countByHint(
  db: Kysely<Tables>,
  { over, user, address, gateway }: Pick<LockoutSearch, 'over' | 'user' | 'address' | 'gateway'>,
  now: number,
  atMost: number,
): Promise<Readonly<Record<LockoutHint, number>>> {
  const countOf = async (hint: LockoutHint) => {
    let some = db
      .selectFrom('lockouts')
      .select('id')
      .where('hint', '=', hint)
      .where('released_at', 'is', null)
      .where('ends_at', '>', now)
    if (over !== undefined) some = some.where(isOver(over, STEM))
    if (user !== undefined) some = some.where('user_stem', '=', user)
    if (address !== undefined) some = some.where((row) => isLockedAt(address, row))
    if (gateway !== undefined) some = some.where(sql<string>`${sql.ref('gateway')} || ''`, '=', gateway)
    return [hint, await countOfAll(db, some.limit(atMost))] as const
  }
  const counts = await Promise.all(LOCKOUT_HINTS.map(countOf))
  return Object.fromEntries(counts) as Record<LockoutHint, number>
}

/** Lockouts in force, counted no further than `atMost`. */
export async function countInForce(
  db: Kysely<Tables>,
  now: number,
  atMost: number,
  over?: readonly string[],
): Promise<number> {
  let inForce = db
    .selectFrom('lockouts')
    .select('id')
    .where('released_at', 'is', null)
    .where('ends_at', '>', now)
  if (over !== undefined) inForce = inForce.where(isOver(over, STEM))
  return countOfAll(db, inForce.limit(atMost))
}

async function countOfAll(
  db: Kysely<Tables>,
  found: SelectQueryBuilder<Tables, 'lockouts', { id: string }>,
): Promise<number> {
  const { count } = await db
    .selectFrom(found.as('some'))
    .select((select) => select.fn.countAll<number | string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** What a list shows as the one who is locked. */
const SHOWN_NAME = sql<
  string | number
>`coalesce(${sql.ref('whole_name')}, ${sql.ref('user_stem')}, ${sql.ref('address')})`

/** Whether a lockout follows the last one of the page before, where they are sorted by a key. */
function isBeyondKey(
  db: Kysely<Tables>,
  after: string,
  key: Expression<string | number>,
): Expression<SqlBool> {
  const last = db
    .selectFrom('lockouts')
    .select([sql<string>`${key}`.as('key'), 'id'])
    .where('id', '=', after)
  return sql<SqlBool>`(${key}, ${sql.ref('id')}) > (${last})`
}

/** Whether a lockout follows the last one of the page before, where they are sorted by their time. */
function isBeyond(db: Kysely<Tables>, after: string, order: 'newest' | 'oldest'): Expression<SqlBool> {
  const last = db.selectFrom('lockouts').select(['since', 'id']).where('id', '=', after)
  const position = sql`(${sql.ref('since')}, ${sql.ref('id')})`
  return order === 'newest' ? sql<SqlBool>`${position} < (${last})` : sql<SqlBool>`${position} > (${last})`
}

function inState(
  lockouts: Query,
  { state, at }: NonNullable<LockoutSearch['standing']>,
  areFew: boolean,
): Query {
  if (state === 'released') return lockouts.where('released_at', 'is not', null)
  const unreleased = lockouts.where('released_at', 'is', null)
  // An expression, which no index by ends answers: sorting all of them would take longer than finding a page.
  if (state === 'ended')
    return areFew
      ? unreleased.where('ends_at', '<=', at)
      : unreleased.where(sql<number>`${sql.ref('ends_at')} + 0`, '<=', at)
  return areFew
    ? unreleased.where('ends_at', '>', at)
    : unreleased.where(sql<number>`${sql.ref('ends_at')} + 0`, '>', at)
}
