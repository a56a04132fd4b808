import type { Kysely, QueryResult } from 'kysely'
import type {
  DirectoryAccount,
  DirectoryLock,
  DirectoryQuery,
  DirectoryView,
} from '../domain/directory-lockout.ts'
import type { GraceStanding } from '../domain/grace.ts'
import { blocks, type Lockout } from '../domain/lockout.ts'
import type {
  Admission,
  AdmissionAnswer,
  CodeUse,
  FailedGuess,
  KnownAddressQuery,
  LoginQuery,
  LoginStore,
  LoginView,
  Withdrawal,
} from '../domain/login-records.ts'
import type { Randomness } from '../domain/random.ts'
import type { Trust, TrustQuery } from '../domain/trust.ts'
import { writeEvents } from './audit.ts'
import { endDirectory, lockDirectory, viewDirectory } from './directory-lockouts.ts'
import { enrolmentsOf } from './enrolments.ts'
import { type GraceQuery, graceOf, spendGrace } from './grace.ts'
import { isKnownAddress } from './known-addresses.ts'
import {
  addressesFor,
  addressFor,
  type Found,
  hasAddresses,
  lease,
  poolOfLeases,
} from './lease-allocation.ts'
import { createLockouts } from './lockout-escalation.ts'
import { dependOnKnownAddress, locksInForce } from './locks-in-force.ts'
import { countFailure, forgetFailuresOf } from './login-failures.ts'
import { type Param, prepared, transact } from './prepared.ts'
import { spendRecoveryCode, spentCode } from './recovery-codes.ts'
import type { Tables } from './schema.ts'
import { openSession } from './session-opening.ts'
import { findRoom, giveWay } from './session-places.ts'
import { findTrust, putTrust, spendTrust } from './trusts.ts'
import { withdraw } from './withdrawal.ts'

export class SqlLogin implements LoginStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  view(query: LoginQuery): Promise<LoginView> {
    return viewLogin(this.#db, query)
  }

  findTrust(query: TrustQuery): Promise<Trust | undefined> {
    return findTrust(this.#db, query)
  }

  graceOf(query: GraceQuery): Promise<GraceStanding> {
    return graceOf(this.#db, query)
  }

  isKnownAddress(query: KnownAddressQuery): Promise<boolean> {
    return isKnownAddress(this.#db, query)
  }

  async admit(admission: Admission): Promise<AdmissionAnswer> {
    const { query, forgives, codeUse, session, trust, event } = admission
    return transact(this.#db, async (db) => {
      const lock = await lockThatBars(db, admission)
      if (lock !== undefined) return { kind: 'locked', lock }
      const room = await findRoom(db, admission)
      if (room.kind === 'full') return { kind: 'too_many_sessions', live: room.live }
      const found = await addressesFor(db, admission)
      if (found === 'none') return { kind: 'no_address' }
      // Spending the code is the first write, so nothing needs to be undone if it fails.
      if (!(await take(db, codeUse, query.now))) return { kind: 'code_used' }
      await open(db, admission, found)
      if (trust !== undefined) await putTrust(db, trust)
      if (session !== undefined) await giveWay(db, room.leaving, session, this.#random)
      await writeEvents(db, [event])
      if (forgives === true) await forgetFailuresOf(db, query)
      return { kind: 'admitted', ...found }
    })
  }

  async foresee(admission: Admission): Promise<AdmissionAnswer> {
    const lock = await lockThatBars(this.#db, admission)
    if (lock !== undefined) return { kind: 'locked', lock }
    const room = await findRoom(this.#db, admission)
    if (room.kind === 'full') return { kind: 'too_many_sessions', live: room.live }
    const { session, ...wishes } = admission
    for (const wish of [wishes.lease, wishes.lease6]) {
      if (session === undefined || wish === undefined) continue
      // Before the first start the records know no address of the pool.
      const isFull = (await addressFor(this.#db, session, wish)) === 'none'
      if (isFull && (await hasAddresses(this.#db, wish.pool))) return { kind: 'no_address' }
    }
    return { kind: 'admitted' }
  }

  withdraw(withdrawal: Withdrawal): Promise<boolean> {
    return withdraw(this.#db, withdrawal)
  }

  async recordFailure(failure: FailedGuess): Promise<readonly Lockout[]> {
    return transact(this.#db, (db) => keepFailure(db, this.#random, failure))
  }

  viewDirectory(query: DirectoryQuery): Promise<DirectoryView> {
    return viewDirectory(this.#db, query)
  }

  lockDirectory(lock: DirectoryLock): Promise<Lockout> {
    return transact(this.#db, (db) => lockDirectory(db, this.#random, lock))
  }

  endDirectory(account: DirectoryAccount, now: number): Promise<void> {
    return endDirectory(this.#db, account, now)
  }
}

export async function viewLogin(db: Kysely<Tables>, query: LoginQuery): Promise<LoginView> {
  const [enrolments, locks] = await Promise.all([enrolmentsOf(db, query.subjects), locksInForce(db, query)])
  return { enrolments, locks, knownAddress: dependOnKnownAddress(locks) && (await isKnownAddress(db, query)) }
}

async function lockThatBars(
  db: Kysely<Tables>,
  { query, isExempt = false }: Admission,
): Promise<Lockout | undefined> {
  const locks = await locksInForce(db, query)
  const isKnown = dependOnKnownAddress(locks) && (await isKnownAddress(db, query))
  return locks.find((lock) => blocks(lock, { isKnown, isExempt }))
}

async function open(db: Kysely<Tables>, { session, ...wishes }: Admission, found: Found): Promise<void> {
  if (session === undefined) return
  await lease(db, session, wishes.lease, found.ipv4)
  await lease(db, session, wishes.lease6, found.ipv6)
  const { ipv4 = found.ipv4, ipv6 = found.ipv6 } = session
  await openSession(db, { ...session, pool: poolOfLeases(wishes), ipv4, ipv6 })
}

export async function keepFailure(
  db: Kysely<Tables>,
  random: Randomness,
  failure: FailedGuess,
): Promise<readonly Lockout[]> {
  await writeEvents(db, [failure.event])
  return createLockouts(db, random, failure, await countFailure(db, failure))
}

/** Spends a code, or uses a trust. If several logins show the same code, only one of them changes the row. */
async function take(db: Kysely<Tables>, codeUse: CodeUse, now: number): Promise<boolean> {
  if (codeUse.kind === 'none' || codeUse.kind === 'passkey') return true
  if (codeUse.kind === 'recovery') {
    const { subject, hashes } = codeUse
    return spent(await spendRecoveryCode(db, { ...spentCode(subject, hashes), now }))
  }
  if (codeUse.kind === 'trust') {
    const { trust, enrolment } = codeUse
    return spent(await spendTrust(db, { trust, enrolment, now }))
  }
  if (codeUse.kind === 'approval') {
    const { passkey, subject } = codeUse
    return (await confirmPasskey(db, { passkey, subject, now })).numAffectedRows === 1n
  }
  if (codeUse.kind === 'grace') {
    const { subject, most } = codeUse
    return (await spendGrace(db, { subject, most, now })).numAffectedRows === 1n
  }
  const { enrolment, step, driftMs } = codeUse
  return spent(await spendStep(db, { enrolment, step, driftMs, now }))
}

function spent({ numAffectedRows = 0n }: Pick<QueryResult<unknown>, 'numAffectedRows'>): boolean {
  return numAffectedRows > 0n
}

interface SpentStep {
  readonly enrolment: string
  readonly step: number
  readonly driftMs: number
  readonly now: number
}

const spendStep = prepared((db, value: Param<SpentStep>) =>
  db
    .updateTable('enrolments')
    .set({ last_step: value('step'), drift_ms: value('driftMs'), used_at: value('now') })
    .where('id', '=', value('enrolment'))
    .where('last_step', '<', value('step')),
)

/** The approval itself was taken before; the passkey may have been removed since, which a write sees for certain. */
const confirmPasskey = prepared((db, value: Param<{ passkey: string; subject: string; now: number }>) =>
  db
    .updateTable('passkeys')
    .set({ used_at: value('now') })
    .where('id', '=', value('passkey'))
    .where('subject', '=', value('subject')),
)
