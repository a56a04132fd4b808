import { type Kysely, sql } from 'kysely'
import type {
  DirectoryAccount,
  DirectoryLock,
  DirectoryQuery,
  DirectoryView,
} from '../../domain/directory-lockout.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { GraceStanding } from '../../domain/grace.ts'
import type { Lockout } from '../../domain/lockout.ts'
import type {
  Admission,
  AdmissionAnswer,
  FailedGuess,
  KnownAddressQuery,
  LoginQuery,
  LoginStore,
  LoginView,
  Withdrawal,
} from '../../domain/login-records.ts'
import { networksAround } from '../../domain/network.ts'
import type { Randomness } from '../../domain/random.ts'
import type { Session } from '../../domain/session.ts'
import type { Trust, TrustQuery } from '../../domain/trust.ts'
import { lockDirectory } from '../directory-lockouts.ts'
import type { GraceQuery } from '../grace.ts'
import { addressesFor } from '../lease-allocation.ts'
import { lockoutOf } from '../lockout-rows.ts'
import type { LockoutRow } from '../lockout-schema.ts'
import { keepFailure, SqlLogin } from '../login.ts'
import type { Tables } from '../schema.ts'
import { findRoom, giveWay } from '../session-places.ts'
import { type AdmissionRow, admitInOneStatement } from './admission.ts'
import { isLimited, isOvertaken, type LimitedAdmission } from './room.ts'

const TRIES = 5
/** Logins of one user that are written at the same moment and overtake each other. */
const TURNS = 20

/**
 * The records of a login for a database on another machine, where each statement is a round trip: a success, which is
 * seven statements in SQLite, is one statement here. The rest is the same.
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

  findTrust(query: TrustQuery): Promise<Trust | undefined> {
    return this.#shared.findTrust(query)
  }

  graceOf(query: GraceQuery): Promise<GraceStanding> {
    return this.#shared.graceOf(query)
  }

  isKnownAddress(query: KnownAddressQuery): Promise<boolean> {
    return this.#shared.isKnownAddress(query)
  }

  async admit(admission: Admission): Promise<AdmissionAnswer> {
    for (let tries = 1; ; tries++) {
      const answer = await this.#admitInTurn(admission)
      if (answer.kind !== 'no_address' || tries === TRIES) return answer
      // It may have been skipped only because a login that failed held it for a moment.
      if ((await addressesFor(this.#db, admission)) === 'none') return answer
    }
  }

  /** Most logins find a place at once. One that does not, or that another login overtook, looks at every session. */
  async #admitInTurn(admission: Admission): Promise<AdmissionAnswer> {
    let answer = await unlessOvertaken(admit(this.#db, admission))
    for (let turns = 1; answer === 'no_room' && isLimited(admission) && turns <= TURNS; turns++)
      answer = await unlessOvertaken(this.#admitAlone(admission))
    if (answer === 'no_room')
      throw new Unavailable('storage', 'too many logins of the user at the same moment')
    return answer
  }

  #admitAlone(admission: LimitedAdmission): Promise<AdmissionAnswer | 'no_room'> {
    const { session } = admission
    return this.#db.transaction().execute(async (db) => {
      await holdAlone(db, `sessions of ${session.subject ?? session.user}`)
      const room = await findRoom(db, admission)
      if (room.kind === 'full') return { kind: 'too_many_sessions', live: room.live }
      const answer = await admit(db, admission, room.leaving)
      if (answer !== 'no_room' && answer.kind === 'admitted')
        await giveWay(db, room.leaving, session, this.#random)
      return answer
    })
  }

  foresee(admission: Admission): Promise<AdmissionAnswer> {
    return this.#shared.foresee(admission)
  }

  withdraw(withdrawal: Withdrawal): Promise<boolean> {
    return this.#shared.withdraw(withdrawal)
  }

  recordFailure(failure: FailedGuess): Promise<readonly Lockout[]> {
    return this.#db.transaction().execute(async (db) => {
      // One row counts most failures of a user, and keeps them apart. Those that count in several, or that lock, have to
      // take turns; an address may fail over many users at the same moment.
      if (failure.lock.length > 0 || failure.factor === 'code') await holdAlone(db, `user ${failure.user}`)
      if (failure.lock.some((budget) => budget.startsWith('address')))
        await holdAlone(db, widestNetwork(failure.address))
      return keepFailure(db, this.#random, failure)
    })
  }

  viewDirectory(query: DirectoryQuery): Promise<DirectoryView> {
    return this.#shared.viewDirectory(query)
  }

  lockDirectory(lock: DirectoryLock): Promise<Lockout> {
    return this.#db.transaction().execute(async (db) => {
      await holdAlone(db, JSON.stringify([lock.source, lock.subject]))
      return lockDirectory(db, this.#random, lock)
    })
  }

  endDirectory(account: DirectoryAccount, now: number): Promise<void> {
    return this.#shared.endDirectory(account, now)
  }
}

async function admit(
  db: Kysely<Tables>,
  admission: Admission,
  leaving?: readonly Session[],
): Promise<AdmissionAnswer | 'no_room'> {
  const { rows } = await admitInOneStatement(db, admission, leaving)
  const [ipv4, ipv6] = [rows[0]?.leasable ?? undefined, rows[0]?.leasable6 ?? undefined]
  if (rows[0]?.admitted === 1) return { kind: 'admitted', ipv4, ipv6 }
  const [longest] = rows.flatMap(lockIn).sort((a, b) => b.ends_at - a.ends_at)
  if (longest !== undefined) return { kind: 'locked', lock: lockoutOf(longest) }
  if (rows[0]?.room === 0) return 'no_room'
  const { lease, lease6 } = admission
  const isMissing = (lease && ipv4 === undefined) || (lease6 && ipv6 === undefined)
  return { kind: isMissing ? 'no_address' : 'code_used' }
}

async function unlessOvertaken<Answer>(admitting: Promise<Answer>): Promise<Answer | 'no_room'> {
  try {
    return await admitting
  } catch (error) {
    if (isOvertaken(error)) return 'no_room'
    throw error
  }
}

/** Until the end of the transaction, what is of this key waits for it. */
async function holdAlone(db: Kysely<Tables>, key: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(db)
}

/** One lock for a network and all within it. */
function widestNetwork(address = ''): string {
  return networksAround(address).at(-1) ?? address
}

function lockIn({
  admitted: _,
  leasable: __,
  leasable6: ___,
  room: ____,
  ...row
}: AdmissionRow): LockoutRow[] {
  return row.id === null ? [] : [row as LockoutRow]
}
