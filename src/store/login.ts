import type { Kysely } from 'kysely'
import type { Lockout } from '../domain/lockout.ts'
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
import { makeLockouts } from './lockout-making.ts'
import { forgetFailures, locksInForce } from './lockouts.ts'
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
    return { enrolments, locks }
  }

  async admit({ query, claim, session, event }: Admission): Promise<AdmissionAnswer> {
    return this.#db.transaction().execute(async (db) => {
      const [lock] = await locksInForce(db, query)
      if (lock !== undefined) return { kind: 'locked', lock }
      // Nothing was written when it fails: the claim is the first thing that writes.
      if (!(await take(db, claim, query.now))) return { kind: 'code_used' }
      await openSession(db, session)
      await writeEvents(db, [event])
      await forgetFailures(db, query.user)
      return { kind: 'admitted' }
    })
  }

  async recordFailure(failure: FailedGuess): Promise<readonly Lockout[]> {
    return this.#db.transaction().execute(async (db) => {
      await writeEvents(db, [failure.event])
      const consecutive = await countFailure(db, failure.user)
      return makeLockouts(db, this.#random, failure, consecutive)
    })
  }
}

/** Spends a code. Of any number of logins that show the same one, a single one changes the row. */
async function take(db: Kysely<Tables>, claim: Claim, now: number): Promise<boolean> {
  if (claim.kind === 'none') return true
  if (claim.kind === 'recovery') {
    const { numUpdatedRows } = await db
      .updateTable('recovery_codes')
      .set({ used_at: now })
      .where('subject', '=', claim.subject)
      .where('hash', '=', claim.hash)
      .where('used_at', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }
  const { numUpdatedRows } = await db
    .updateTable('enrolments')
    .set({ last_step: claim.step })
    .where('id', '=', claim.enrolment)
    .where('last_step', '<', claim.step)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** @returns the user's failures in a row, this one included. */
async function countFailure(db: Kysely<Tables>, user: string): Promise<number> {
  const { consecutive_failures } = await db
    .insertInto('login_state')
    .values({ user_stem: user, consecutive_failures: 1 })
    .onConflict((conflict) =>
      conflict.column('user_stem').doUpdateSet((row) => ({
        consecutive_failures: row('login_state.consecutive_failures', '+', 1),
      })),
    )
    .returning('consecutive_failures')
    .executeTakeFirstOrThrow()
  return consecutive_failures
}
