import type { Kysely } from 'kysely'
import type { AuditEvent } from '../domain/audit.ts'
import {
  ESCALATION_MEMORY_MS,
  type Lockout,
  type LockoutRules,
  type LockoutScope,
  lockoutDuration,
} from '../domain/lockout.ts'
import type { FailedGuess } from '../domain/login-records.ts'
import { customerNetwork } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import { writeEvents } from './audit.ts'
import { lockoutRow, NO_END } from './lockout-rows.ts'
import type { LockoutRow, Tables } from './schema.ts'

/** Whom a lockout of one scope names. */
type Key = Pick<Lockout, 'user' | 'address'>

/**
 * Makes the lockouts that follow from a failure and writes an event for each; none where one of the same scope
 * and key is in force already.
 *
 * A lockout lasts twice as long as the one before of its scope and key, while that one's end is within
 * `ESCALATION_MEMORY_MS`. Those that a person released do not count: a release says that the failures were
 * honest. Nor do those made by hand, whose length a person chose.
 * @param consecutive failures of the user in a row, this one included.
 */
export async function makeLockouts(
  db: Kysely<Tables>,
  random: Randomness,
  failure: FailedGuess,
  consecutive: number,
): Promise<readonly Lockout[]> {
  const made: Lockout[] = []
  const hard =
    consecutive >= failure.rules.hardAfter ? await hardLimit(db, random, failure, consecutive) : undefined
  if (hard !== undefined) made.push(hard)
  for (const scope of failure.lock) {
    if (scope === 'user' && hard !== undefined) continue
    const lockout = await forFailures(db, random, failure, scope)
    if (lockout !== undefined) made.push(lockout)
  }
  if (made.length > 0) await db.insertInto('lockouts').values(made.map(lockoutRow)).execute()
  await writeEvents(
    db,
    made.map((lockout) => eventOf(random.id(), failure, lockout)),
  )
  return made
}

/** One that ends by itself does not stand in its way: the limit would be forgotten when that one ends. */
async function hardLimit(
  db: Kysely<Tables>,
  random: Randomness,
  { event, user, gateway }: FailedGuess,
  consecutive: number,
): Promise<Lockout | undefined> {
  const latest = await recent(db, 'user', { user }, event.at)
  if (latest.some((row) => row.released_at === null && row.ends_at === NO_END)) return undefined
  return {
    id: random.id(),
    scope: 'user',
    cause: 'hard_limit',
    user,
    gateway,
    reason: `${consecutive} failed logins in a row; it ends only when somebody releases it`,
    since: event.at,
  }
}

async function forFailures(
  db: Kysely<Tables>,
  random: Randomness,
  failure: FailedGuess,
  scope: LockoutScope,
): Promise<Lockout | undefined> {
  const { event, gateway, rules } = failure
  const key = keyOf(scope, failure)
  if (key === undefined) return undefined
  const earlier = await recent(db, scope, key, event.at)
  if (earlier.some((row) => isInForceAt(row, event.at))) return undefined
  const counted = earlier.filter((row) => row.cause === 'failures' && row.released_at === null).length
  return {
    id: random.id(),
    scope,
    cause: 'failures',
    ...key,
    gateway,
    reason: reasonOf(scope, rules),
    since: event.at,
    until: event.at + lockoutDuration(rules, counted),
  }
}

/** @returns undefined where the scope needs an address and the gateway sent none. */
function keyOf(scope: LockoutScope, { user, address: from }: FailedGuess): Key | undefined {
  if (scope === 'user') return { user }
  if (from === undefined) return undefined
  const address = customerNetwork(from)
  return scope === 'address' ? { address } : { user, address }
}

/** Lockouts of the scope and key that are in force or ended a short while ago. */
async function recent(
  db: Kysely<Tables>,
  scope: LockoutScope,
  { user, address }: Key,
  now: number,
): Promise<readonly Pick<LockoutRow, 'cause' | 'ends_at' | 'released_at'>[]> {
  const lockouts = db
    .selectFrom('lockouts')
    .select(['cause', 'ends_at', 'released_at'])
    .where('scope', '=', scope)
    .where('ends_at', '>', now - ESCALATION_MEMORY_MS)
  const ofUser =
    user === undefined ? lockouts.where('user_stem', 'is', null) : lockouts.where('user_stem', '=', user)
  return (
    address === undefined ? ofUser.where('address', 'is', null) : ofUser.where('address', '=', address)
  ).execute()
}

function isInForceAt(row: Pick<LockoutRow, 'ends_at' | 'released_at'>, now: number): boolean {
  return row.released_at === null && row.ends_at > now
}

function reasonOf(scope: LockoutScope, rules: LockoutRules): string {
  const [failures, of] = {
    user_address: [rules.after, 'of this user from this address'],
    user: [rules.userAfter, 'of this user'],
    address: [rules.addressAfter, 'from this address'],
  }[scope]
  return `${failures} failed logins ${of} within ${Math.round(rules.withinMs / 1000)} s`
}

function eventOf(id: string, failure: FailedGuess, lockout: Lockout): AuditEvent {
  const { user, cause, reason, scope, until } = lockout
  const { address, gateway, event } = failure
  const end = until === undefined ? 'without an end' : `until ${new Date(until).toISOString()}`
  return {
    id,
    at: event.at,
    kind: 'lockout.made',
    ...(user === undefined ? {} : { user }),
    ...(address === undefined ? {} : { address }),
    gateway,
    reason: cause,
    detail: `${scope} locked ${end}: ${reason}`,
  }
}
