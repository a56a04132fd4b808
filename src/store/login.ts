import type { Kysely } from 'kysely'
import { bars, type Lockout } from '../domain/lockout.ts'
import type {
  Admission,
  AdmissionAnswer,
  Claim,
  FailedGuess,
  LoginQuery,
  LoginStore,
  LoginView,
} from '../domain/login-records.ts'
import type { Randomness } from '../domain/random.ts'
import { writeEvents } from './audit.ts'
import { enrolmentsOf } from './enrolments.ts'
import { isKnownAddress } from './known-addresses.ts'
import { addressFor, lease } from './lease-taking.ts'
import { makeLockouts } from './lockout-making.ts'
import { forgetFailures, locksInForce } from './lockouts.ts'
import { type Place, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'
import { openSession } from './session-opening.ts'

export class SqlLogin implements LoginStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  async view(query: LoginQuery): Promise<LoginView> {
    const [enrolments, locks] = await Promise.all([
      enrolmentsOf(this.#db, query.subjects),
      locksInForce(this.#db, query),
    ])
    const isAsked = locks.some((lock) => !bars(lock, 'user'))
    return { enrolments, locks, knownAddress: isAsked && (await isKnownAddress(this.#db, query)) }
  }

  async admit(admission: Admission): Promise<AdmissionAnswer> {
    const { query, spared, claim, event } = admission
    return this.#db.transaction().execute(async (db) => {
      const lock = (await locksInForce(db, query)).find((each) => bars(each, spared))
      if (lock !== undefined) return { kind: 'locked', lock }
      const ipv4 = await addressFor(db, admission)
      if (ipv4 === 'none') return { kind: 'no_address' }
      // Nothing was written when it fails: the claim is the first thing that writes.
      if (!(await take(db, claim, query.now))) return { kind: 'code_used' }
      await open(db, admission, ipv4)
      await writeEvents(db, [event])
      await forgetFailures(db, query.user)
      return { kind: 'admitted', ipv4 }
    })
  }

  async recordFailure(failure: FailedGuess): Promise<readonly Lockout[]> {
    return this.#db.transaction().execute((db) => keepFailure(db, this.#random, failure))
  }
}

async function open(
  db: Kysely<Tables>,
  { session, lease: wish }: Admission,
  ipv4: string | undefined,
): Promise<void> {
  if (session === undefined) return
  if (wish === undefined || ipv4 === undefined) return openSession(db, session)
  await lease(db, session, wish, ipv4)
  await openSession(db, { ...session, pool: wish.pool, ipv4 })
}

/** Failures of one user come one after another: each holds the user's count until its transaction ends. */
export async function keepFailure(
  db: Kysely<Tables>,
  random: Randomness,
  failure: FailedGuess,
): Promise<readonly Lockout[]> {
  await writeEvents(db, [failure.event])
  const consecutive = await countFailure(db, failure)
  return makeLockouts(db, random, failure, consecutive)
}

/** Spends a code. Of any number of logins that show the same one, a single one changes the row. */
async function take(db: Kysely<Tables>, claim: Claim, now: number): Promise<boolean> {
  if (claim.kind === 'none') return true
  if (claim.kind === 'recovery') {
    const { subject, hash } = claim
    return (await spendRecoveryCode(db, { subject, hash, now })).numAffectedRows === 1n
  }
  const { enrolment, step } = claim
  return (await spendStep(db, { enrolment, step })).numAffectedRows === 1n
}

const spendStep = prepared((db, value: Place<{ enrolment: string; step: number }>) =>
  db
    .updateTable('enrolments')
    .set({ last_step: value('step') })
    .where('id', '=', value('enrolment'))
    .where('last_step', '<', value('step')),
)

const spendRecoveryCode = prepared((db, value: Place<{ subject: string; hash: string; now: number }>) =>
  db
    .updateTable('recovery_codes')
    .set({ used_at: value('now') })
    .where('subject', '=', value('subject'))
    .where('hash', '=', value('hash'))
    .where('used_at', 'is', null),
)

/** @returns the user's failures in a row, this one included. */
async function countFailure(db: Kysely<Tables>, { user, event }: FailedGuess): Promise<number> {
  const [row] = (await addFailure(db, { user, at: event.at })).rows
  if (row === undefined) throw new Error(`the failures of ${user} were not counted`)
  return row.consecutive_failures
}

const addFailure = prepared((db, value: Place<{ user: string; at: number }>) =>
  db
    .insertInto('login_state')
    .values({ user_stem: value('user'), consecutive_failures: 1, failed_at: value('at') })
    .onConflict((conflict) =>
      conflict.column('user_stem').doUpdateSet((row) => ({
        consecutive_failures: row('login_state.consecutive_failures', '+', 1),
        failed_at: value('at'),
      })),
    )
    .returning('consecutive_failures'),
)
