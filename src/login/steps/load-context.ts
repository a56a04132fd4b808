import type { Permit } from '../../domain/attempt-limits.ts'
import type { Enrolment } from '../../domain/enrolment.ts'
import type { Candidate, PendingLogin } from '../../domain/identity-provider.ts'
import { blocks, type Lockout } from '../../domain/lockout.ts'
import type { LoginQuery } from '../../domain/login-records.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { Login } from '../login.ts'

/** What is known of a login before any password is looked at. */
export interface LoginContext {
  readonly kind: 'context'
  readonly candidates: readonly Candidate[]
  readonly query: LoginQuery
  /** The prefetch at the first candidate; the first factor completes it or disposes of it. */
  readonly pending: PendingLogin | undefined
  /** Of `query.subjects`. */
  readonly enrolments: readonly Enrolment[]
}

/**
 * Reads, in one round trip, the user's authenticators and the lockouts in force. A locked login ends here. Meanwhile
 * the first identity store may look for the user, but no password leaves before it is known that the login may go on.
 */
export async function loadContext(_permit: Permit, login: Login): Promise<LoginContext | Refusal> {
  const { attempt, rules, options } = login
  const candidates = options.candidates(attempt.name, rules.anyGateway ? undefined : attempt.gateway)
  login.candidates = candidates
  const query: LoginQuery = {
    user: attempt.name.username,
    subjects: candidates.map(({ subject }) => subject),
    address: attempt.address,
    now: options.clock.now(),
  }
  const pending = prefetch(candidates[0], login)
  try {
    const context = await readContext(query, { candidates, pending }, login)
    if (context.kind === 'refusal') pending?.[Symbol.dispose]()
    return context
  } catch (outage) {
    pending?.[Symbol.dispose]()
    throw outage
  }
}

/** Reads the records for a login, and refuses it where a lockout bars it. */
export async function readContext(
  query: LoginQuery,
  { candidates, pending }: Pick<LoginContext, 'candidates' | 'pending'>,
  login: Login,
): Promise<LoginContext | Refusal> {
  const { enrolments, locks, knownAddress } = await login.options.records.view(query)
  login.authenticators = enrolments.length
  const barring = locks.filter((lock) => blocks(lock, { isKnown: knownAddress, isExempt: login.isExempt }))
  if (barring.length === 0) return { kind: 'context', candidates, query, pending, enrolments }
  login.decidedAt = 'locked'
  return refusedByLock(barring, query.now)
}

function prefetch(
  candidate: Candidate | undefined,
  { attempt: { state, typed, deadline }, rules }: Login,
): PendingLogin | undefined {
  if (!rules.prefetches || state !== undefined || typed.isEmpty) return undefined
  return candidate?.store.prefetch?.(candidate.name, deadline)
}

export function enrolmentsOf({ enrolments }: Pick<LoginContext, 'enrolments'>, subject: string) {
  return enrolments.filter((enrolment) => enrolment.subject === subject)
}

export function refusedByLock(locks: readonly Lockout[], now: number): Refusal {
  const detail = locks.map(({ id, scope, cause }) => `${scope} (${cause}, ${id})`).join(', ')
  const ends = locks.map(({ until }) => until)
  if (ends.includes(undefined)) return refuse('locked', detail)
  return refuse('locked', detail, Math.max(...ends.map((until) => (until ?? now) - now)))
}
