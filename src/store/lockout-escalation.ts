import type { Kysely } from 'kysely'
import type { AuditEvent } from '../domain/audit.ts'
import {
  ESCALATION_MEMORY_MS,
  type FailureBudget,
  type Lockout,
  type LockoutRules,
  type LockoutScope,
  lockoutDuration,
} from '../domain/lockout.ts'
import type { FailedGuess } from '../domain/login-records.ts'
import { customerNetwork, WIDER_NETWORKS, widerNetwork } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import { writeEvents } from './audit.ts'
import { judgeEarlier, judgeLockout } from './lockout-hint.ts'
import { lockoutRow } from './lockout-rows.ts'
import type { LockoutRow } from './lockout-schema.ts'
import type { HardLimit } from './login-failures.ts'
import type { Tables } from './schema.ts'

/** The user, the address or both that a lockout of one scope names. */
type Key = Pick<Lockout, 'user' | 'name' | 'address'>

type Unjudged = Omit<Lockout, 'hint'>

/**
 * Creates the lockouts that follow from a failure, with an event for each; none if one of the same scope and key is
 * in force already.
 *
 * A lockout lasts twice as long as the one before of its scope and key, while that one's end is within
 * `ESCALATION_MEMORY_MS`. Released lockouts do not count: a release says that the failures were honest. Neither do
 * manual ones, whose length a person chose.
 * @param limits the hard limits that the failure has reached.
 */
export async function createLockouts(
  db: Kysely<Tables>,
  random: Randomness,
  failure: FailedGuess,
  limits: readonly HardLimit[],
): Promise<readonly Lockout[]> {
  const found: Unjudged[] = []
  for (const limit of limits) {
    const lockout = await forHardLimit(db, random, failure, limit)
    if (lockout !== undefined) found.push(lockout)
  }
  for (const budget of failure.lock) {
    if (found.some((hard) => hard.scope === budget)) continue
    const lockout = await forFailures(db, random, failure, budget)
    if (lockout !== undefined) found.push(lockout)
  }
  const made = await judged(db, failure, found)
  if (made.length > 0) await db.insertInto('lockouts').values(made.map(lockoutRow)).execute()
  await writeEvents(
    db,
    made.map((lockout) => eventOf(random.id(), failure, lockout)),
  )
  return made
}

/** Those of one failure are judged alike: where one shows guessing, the user is no stranger at a new place to another. */
async function judged(
  db: Kysely<Tables>,
  { account, address, rules }: FailedGuess,
  found: readonly Unjudged[],
): Promise<readonly Lockout[]> {
  const made: Lockout[] = []
  for (const lockout of found) {
    const hint = await judgeLockout(db, { lockout, account, address, withinMs: rules.withinMs })
    made.push({ ...lockout, hint })
  }
  for (const lockout of made) await judgeEarlier(db, lockout)
  const isGuessing = made.some(({ hint }) => hint === 'guessing')
  return made.map((lockout) =>
    isGuessing && lockout.hint === 'new_place' ? { ...lockout, hint: 'guessing' } : lockout,
  )
}

/** A lockout that ends by itself does not replace this one: the limit would be forgotten at its end. */
async function forHardLimit(
  db: Kysely<Tables>,
  random: Randomness,
  failure: FailedGuess,
  { scope, cause, failures }: HardLimit,
): Promise<Unjudged | undefined> {
  const { event, gateway } = failure
  const key = keyOf(scope, failure)
  if (key === undefined) return undefined
  const latest = await recent(db, scope, key, event.at)
  if (latest.some((row) => row.cause === cause && isInForceAt(row, event.at))) return undefined
  const what =
    cause === 'password_known'
      ? `${failures} wrong codes after the right password: the password of this user is known to somebody`
      : `${failures} failed logins in a row${scope === 'user' ? '' : ' from this address'}`
  return {
    id: random.id(),
    scope,
    cause,
    ...key,
    gateway,
    reason: `${what}; it ends only when somebody releases it`,
    since: event.at,
  }
}

async function forFailures(
  db: Kysely<Tables>,
  random: Randomness,
  failure: FailedGuess,
  budget: FailureBudget,
): Promise<Unjudged | undefined> {
  const { event, gateway, rules } = failure
  const key = keyOf(budget, failure)
  if (key === undefined) return undefined
  const scope = key.user === undefined ? 'address' : key.address === undefined ? 'user' : 'user_address'
  const earlier = await recent(db, scope, key, event.at)
  if (earlier.some((row) => isInForceAt(row, event.at))) return undefined
  const counted = earlier.filter((row) => row.cause === 'failures' && row.released_at === null).length
  return {
    id: random.id(),
    scope,
    cause: 'failures',
    ...key,
    gateway,
    reason: reasonOf(budget, rules),
    since: event.at,
    until: event.at + lockoutDuration(rules, counted),
  }
}

/** @returns undefined where the budget is of an address and the gateway sent none. */
function keyOf(budget: FailureBudget, { user, address: from, event }: FailedGuess): Key | undefined {
  const { name } = event
  if (budget === 'user') return { user, name }
  if (from === undefined) return undefined
  if (budget === 'user_address') return { user, name, address: customerNetwork(from) }
  const wider = WIDER_NETWORKS.find(({ bits }) => budget === `address_${bits}`)
  return { address: (wider && widerNetwork(from, wider.bits)) ?? customerNetwork(from) }
}

/** Lockouts of the scope and key that are in force or ended within `ESCALATION_MEMORY_MS`. */
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
    .where('source', 'is', null)
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

function reasonOf(budget: FailureBudget, rules: LockoutRules): string {
  const within = `within ${Math.round(rules.withinMs / 1000)} s`
  const wider = WIDER_NETWORKS.find(({ bits }) => budget === `address_${bits}`)
  if (wider !== undefined)
    return `${rules.addressAfter * wider.times} failed logins from this network ${within}`
  if (budget === 'user') return `${rules.userAfter} failed logins of this user ${within}`
  return budget === 'user_address'
    ? `${rules.after} failed logins of this user from this address ${within}`
    : `${rules.addressAfter} failed logins from this address ${within}`
}

function eventOf(id: string, failure: FailedGuess, lockout: Lockout): AuditEvent {
  const { user, name, cause, reason, scope, until } = lockout
  const { address, gateway, event } = failure
  const end = until === undefined ? 'without an end' : `until ${new Date(until).toISOString()}`
  return {
    id,
    at: event.at,
    kind: 'lockout.made',
    user,
    name,
    address,
    gateway,
    reason: cause,
    detail: `${scope} locked ${end}: ${reason}`,
  }
}
