import { type Kysely, sql } from 'kysely'
import type { Lockout } from '../../domain/lockout.ts'
import type {
  Admission,
  AdmissionAnswer,
  FailedGuess,
  LoginQuery,
  LoginStore,
  LoginView,
} from '../../domain/login-records.ts'
import { customerNetwork } from '../../domain/network.ts'
import type { Randomness } from '../../domain/random.ts'
import { addressFor } from '../lease-taking.ts'
import { lockoutOf } from '../lockout-rows.ts'
import { keepFailure, SqlLogin } from '../login.ts'
import type { LockoutRow, Tables } from '../schema.ts'
import { type AdmissionRow, admitInOneStatement } from './admission.ts'

const TRIES = 5

/**
 * The records of a login where each statement is a journey to another machine: a success, seven statements in a file,
 * is one here. The rest is the same.
 */
export class PostgresLogin implements LoginStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness
  readonly #shared: SqlLogin

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
    this.#shared = new SqlLogin(db, random)
  }

  view(query: LoginQuery): Promise<LoginView> {
    return this.#shared.view(query)
  }

  async admit(admission: Admission): Promise<AdmissionAnswer> {
    for (let tries = 1; ; tries++) {
      const answer = await this.#admit(admission)
      if (answer.kind !== 'no_address' || tries === TRIES) return answer
      // Only passed over, because a login that came to nothing held it for a moment?
      if ((await addressFor(this.#db, admission)) === 'none') return answer
    }
  }

  async #admit(admission: Admission): Promise<AdmissionAnswer> {
    const { rows } = await admitInOneStatement(this.#db, admission)
    const ipv4 = rows[0]?.leasable ?? undefined
    if (rows[0]?.admitted === 1) return { kind: 'admitted', ipv4 }
    const [longest] = rows.flatMap(lockIn).sort((a, b) => b.ends_at - a.ends_at)
    if (longest !== undefined) return { kind: 'locked', lock: lockoutOf(longest) }
    return { kind: admission.lease !== undefined && ipv4 === undefined ? 'no_address' : 'code_used' }
  }

  recordFailure(failure: FailedGuess): Promise<readonly Lockout[]> {
    return this.#db.transaction().execute(async (db) => {
      // The count keeps failures of one user apart; an address may fail over many users at the same moment.
      if (failure.lock.includes('address')) {
        await sql`select pg_advisory_xact_lock(hashtextextended(${customerNetwork(failure.address ?? '')}, 0))`.execute(
          db,
        )
      }
      return keepFailure(db, this.#random, failure)
    })
  }
}

function lockIn({ admitted: _, leasable: __, ...row }: AdmissionRow): LockoutRow[] {
  return row.id === null ? [] : [row as LockoutRow]
}
