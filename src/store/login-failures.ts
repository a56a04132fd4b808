import type { Kysely } from 'kysely'
import type { Lockout } from '../domain/lockout.ts'
import type { FailedGuess, LoginQuery } from '../domain/login-records.ts'
import { customerNetwork } from '../domain/network.ts'
import { accountKey } from '../domain/person.ts'
import { isKnownAddress } from './known-addresses.ts'
import type { LoginFailureRow } from './lockout-schema.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

/** The row that counts for all addresses that are not known. */
const ANYWHERE = ''
/** In place of an account, where nobody knows the user. */
const NOBODY = ''
/** In place of an address that the gateway did not send. */
const NOWHERE = '-'

/** A hard limit that is reached: what is locked until somebody releases it. */
export interface HardLimit {
  readonly scope: 'user' | 'user_address'
  readonly cause: Extract<Lockout['cause'], 'hard_limit' | 'password_known'>
  readonly failures: number
}

/**
 * Counts a failure, in one row. Wrong passwords from addresses that are not known count together, and those from a known
 * address by themselves: strangers cannot use up the count of a known address. Wrong codes count for the address network
 * that they came from, and together for their account.
 * @returns the hard limits that are reached with it.
 */
export async function countFailure(db: Kysely<Tables>, failure: FailedGuess): Promise<readonly HardLimit[]> {
  const { user, factor, address, rules, event } = failure
  const account = failure.account === undefined ? NOBODY : accountKey(failure.account)
  const isKnown = await isKnownAddress(db, { ...failure, now: event.at })
  const own = placeOf(address)
  const place = factor === 'code' || isKnown ? own : ANYWHERE
  const [counted] = (await add(db, { user, account, factor, place, at: event.at })).rows
  if (counted === undefined) throw new Error(`the failures of ${user} were not counted`)
  const limits: HardLimit[] = []
  const check = (scope: HardLimit['scope'], cause: HardLimit['cause'], failures: number) => {
    if (failures >= rules.hardAfter) limits.push({ scope, cause, failures })
  }
  if (place === ANYWHERE) check('user', 'hard_limit', counted.failures)
  else {
    const { rows } = await placesOf(db, { user, account })
    if (factor === 'code') check('user', 'password_known', sum(rows.filter((row) => row.factor === 'code')))
    if (isKnown) check('user_address', 'hard_limit', sum(rows.filter((row) => row.place === own)))
  }
  return limits
}

/** Takes back the failures of an account after a login: not those at other addresses that count by themselves. */
export async function forgetFailuresOf(
  db: Kysely<Tables>,
  { user, account, address }: LoginQuery,
): Promise<void> {
  if (account === undefined) return
  await forgiveAt(db, { user, forgiven: accountKey(account), place: placeOf(address) })
}

/** Takes back all failures of a user, which only a person may do. */
export async function forgetFailures(db: Kysely<Tables>, user: string): Promise<void> {
  await db.deleteFrom('login_failures').where('user_stem', '=', user).execute()
}

/**
 * Makes releases of one user run one after another: two at once would not see each other's release, and the user's
 * failures would go on counting. A user without a count has none to forget.
 */
export async function holdFailures(db: Kysely<Tables>, user: string): Promise<void> {
  await db
    .updateTable('login_failures')
    .set((row) => ({ failures: row.ref('failures') }))
    .where('user_stem', '=', user)
    .execute()
}

export function placeOf(address: string | undefined): string {
  return address === undefined ? NOWHERE : customerNetwork(address)
}

/** The rows that a login from a place takes back. */
export function forgivenAt<Db extends Pick<Kysely<Tables>, 'deleteFrom'>>(
  db: Db,
  value: Param<{ user: string; forgiven: string | null; place: string }>,
) {
  return db
    .deleteFrom('login_failures')
    .where('user_stem', '=', value('user'))
    .where('account', '=', value('forgiven'))
    .where((row) => row.or([row('place', '=', ANYWHERE), row('place', '=', value('place'))]))
}

const forgiveAt = prepared((db, value: Param<{ user: string; forgiven: string | null; place: string }>) =>
  forgivenAt(db, value),
)

const add = prepared(
  (
    db,
    value: Param<
      Omit<LoginFailureRow, 'user_stem' | 'failures' | 'failed_at'> & { user: string; at: number }
    >,
  ) =>
    db
      .insertInto('login_failures')
      .values({
        user_stem: value('user'),
        account: value('account'),
        factor: value('factor'),
        place: value('place'),
        failures: 1,
        failed_at: value('at'),
      })
      .onConflict((conflict) =>
        conflict.columns(['user_stem', 'account', 'factor', 'place']).doUpdateSet((row) => ({
          failures: row('login_failures.failures', '+', 1),
          failed_at: value('at'),
        })),
      )
      .returning('failures'),
)

const placesOf = prepared((db, value: Param<{ user: string; account: string }>) =>
  db
    .selectFrom('login_failures')
    .select(['factor', 'place', 'failures'])
    .where('user_stem', '=', value('user'))
    .where('account', '=', value('account')),
)

function sum(rows: readonly { readonly failures: number }[]): number {
  return rows.reduce((total, { failures }) => total + failures, 0)
}
