import type { Kysely } from 'kysely'
import type { Lockout } from '../domain/lockout.ts'
import { hintOf, type LockoutHint, MANY_ADDRESSES, MANY_NAMES } from '../domain/lockout-hint.ts'
import { customerNetwork } from '../domain/network.ts'
import type { AccountId } from '../domain/person.ts'
import { earliestId } from '../domain/record-id.ts'
import { GUESSES } from '../domain/refusal.ts'
import { isKnownAddress } from './known-addresses.ts'
import { locksRows, type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'
import { searchColumn } from './subnet-columns.ts'

/** What is known when a lockout is made. */
export interface LockoutOrigin {
  readonly lockout: Pick<Lockout, 'cause' | 'scope' | 'user' | 'since'>
  readonly account?: AccountId
  /** Of the failure that made it. */
  readonly address?: string
  /** Failures so long before count as its own, in milliseconds. */
  readonly withinMs: number
}

/** An identifier may be made so long before the time of its event, in milliseconds. */
const SLACK_MS = 60_000
/** Failures of one user that are looked at, newest first. */
const MAX_FAILURES = 100
/** Failures at one address that are looked at. */
const MAX_NEIGHBOURS = 50

/** Judges a lockout by every address from which the user failed. In the transaction that makes it. */
export async function judgeLockout(db: Kysely<Tables>, origin: LockoutOrigin): Promise<LockoutHint> {
  const { lockout, address } = origin
  const { user, scope, since } = lockout
  if (user === undefined || lockout.cause === 'password_known')
    return hintOf(lockout, { strangers: 0, names: 0 })
  const first = since - origin.withinMs
  const from = { since: first, first: earliestId(first - SLACK_MS) }
  const own = address === undefined ? [] : [address]
  const failed = scope === 'user' ? (await failuresOf(db, { user, ...from })).rows : []
  const places = new Set(
    [...own, ...failed.flatMap((row) => row.address ?? [])].map((each) => customerNetwork(each)),
  )
  let strangers = places.size === 0 ? 1 : 0
  for (const place of places) {
    if (strangers >= MANY_ADDRESSES) break
    const isKnown = await isKnownAddress(db, { user, account: origin.account, address: place, now: since })
    if (!isKnown) strangers += 1
  }
  const names = strangers === 0 || address === undefined ? 0 : await namesAt(db, address, from)
  return hintOf(lockout, { strangers, names })
}

/**
 * Guessing shows late: the first users whom it locks look like honest ones. Their lockouts in force, at the address or of
 * the user, are judged again by the one that shows it.
 */
export async function judgeEarlier(db: Kysely<Tables>, lockout: Lockout): Promise<void> {
  const { user, address, since, hint } = lockout
  if (hint !== 'guessing') return
  const inForce = db
    .selectFrom('lockouts')
    .select('id')
    .where('hint', '=', 'new_place')
    .where('ends_at', '>', since)
    .where('released_at', 'is', null)
  const alike =
    address === undefined
      ? inForce.where('user_stem', '=', user ?? '')
      : inForce.where('address', '=', address)
  // A row that another transaction has is left: waiting for several could end in a deadlock.
  const found = await (locksRows(db) ? alike.forUpdate().skipLocked() : alike).execute()
  const ids = found.map(({ id }) => id)
  if (ids.length > 0) await db.updateTable('lockouts').set({ hint }).where('id', 'in', ids).execute()
}

interface From {
  readonly since: number
  readonly first: string
}

async function namesAt(db: Kysely<Tables>, address: string, from: From): Promise<number> {
  const place = customerNetwork(address)
  const { rows } = await failuresAt[searchColumn(place)](db, { place, ...from })
  return Math.min(new Set(rows.map(({ user_name }) => user_name)).size, MANY_NAMES)
}

const failuresOf = prepared((db, value: Param<From & { user: string }>) =>
  failures(db, value).select('address').where('user_name', '=', value('user')).limit(MAX_FAILURES),
)

const failuresAt = { address: failuresIn('address'), network: failuresIn('network') }

function failuresIn(column: 'address' | 'network') {
  return prepared((db, value: Param<From & { place: string }>) =>
    failures(db, value).select('user_name').where(column, '=', value('place')).limit(MAX_NEIGHBOURS),
  )
}

function failures(db: Pick<Kysely<Tables>, 'selectFrom'>, value: Param<From>) {
  return db
    .selectFrom('audit_events')
    .where('kind', '=', 'login.refused')
    .where('reason', 'in', [...GUESSES])
    .where('id', '>=', value('first'))
    .where('at', '>=', value('since'))
    .orderBy('id', 'desc')
}
