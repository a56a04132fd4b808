import type { Attempt } from '../domain/attempt.ts'
import type { Clock } from '../domain/clock.ts'
import type { Enrolment } from '../domain/enrolment.ts'
import { bars, type Lockout, type Spared, sparedAt } from '../domain/lockout.ts'
import type { LoginName } from '../domain/login-name.ts'
import type { LoginQuery, LoginStore } from '../domain/login-records.ts'
import type { Network } from '../domain/network.ts'
import type { BegunLogin, Candidate } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Effort } from './effort.ts'

/** What is known of a login before any password is looked at. */
export interface Background {
  readonly kind: 'background'
  readonly candidates: readonly Candidate[]
  readonly query: LoginQuery
  /** Lockouts in force that do not bar this login. */
  readonly spared: Spared | undefined
  /** Of the first candidate, with whom the login was begun meanwhile; the first factor finishes it or gives it up. */
  readonly begun: BegunLogin | undefined
  enrolmentOf(subject: string): Enrolment | undefined
}

export interface BackgroundOptions {
  readonly records: Pick<LoginStore, 'view'>
  /** Which identity stores may know the name. */
  readonly candidates: (name: LoginName, gateway: string) => readonly Candidate[]
  /** Where failures lock nobody. */
  readonly exempt: readonly Network[]
  readonly clock: Clock
}

/**
 * Reads, in one round trip, the user's authenticators and the lockouts in force; a locked login ends here. Meanwhile the
 * first identity store may look for the user, but no password leaves before it is known that the login may go on.
 * @param begins whether a password was typed that the first factor is going to check.
 */
export async function lookUp(
  attempt: Attempt,
  effort: Effort,
  options: BackgroundOptions,
  begins = false,
): Promise<Background | Refusal> {
  const candidates = options.candidates(attempt.name, attempt.gateway)
  effort.candidates = candidates
  const query: LoginQuery = {
    user: attempt.name.stem,
    subjects: candidates.map(({ subject }) => subject),
    address: attempt.address,
    now: options.clock.now(),
  }
  using unlessBarred = new DisposableStack()
  const begun = unlessBarred.use(begins ? beginWith(candidates[0], attempt) : undefined)
  const { enrolments, locks, knownAddress } = await options.records.view(query)
  const spared = sparedAt(attempt.address, knownAddress, options.exempt)
  const barring = locks.filter((lock) => bars(lock, spared))
  if (barring.length > 0) {
    effort.decidedAt = 'locked'
    return refusedByLock(barring, query.now)
  }
  unlessBarred.move()
  return {
    kind: 'background',
    candidates,
    query,
    spared,
    begun,
    enrolmentOf: (subject) => enrolments.find((enrolment) => enrolment.subject === subject),
  }
}

function beginWith(
  candidate: Candidate | undefined,
  { state, typed, deadline }: Attempt,
): BegunLogin | undefined {
  if (state !== undefined || typed.isEmpty) return undefined
  return candidate?.store.begin?.(candidate.name, deadline)
}

/**
 * The same with the authenticator of a user whom the store calls otherwise than was typed. Lockouts stay those of the
 * name that was typed: one that appears only after the right password would tell that it was right.
 */
export async function withEnrolmentOf(
  background: Background,
  subject: string,
  { records }: Pick<BackgroundOptions, 'records'>,
): Promise<Background> {
  if (background.query.subjects.includes(subject)) return background
  const { enrolments } = await records.view({ ...background.query, subjects: [subject] })
  return { ...background, enrolmentOf: (of) => enrolments.find((enrolment) => enrolment.subject === of) }
}

export function refusedByLock(locks: readonly Lockout[], now: number): Refusal {
  const detail = locks.map(({ id, scope, cause }) => `${scope} (${cause}, ${id})`).join(', ')
  const ends = locks.map(({ until }) => until)
  if (ends.includes(undefined)) return refuse('locked', detail)
  return refuse('locked', detail, Math.max(...ends.map((until) => (until ?? now) - now)))
}
