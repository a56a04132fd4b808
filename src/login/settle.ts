import { type Attempt, eventOf } from '../domain/attempt.ts'
import type { AuditEvent, AuditKind, AuditStore } from '../domain/audit.ts'
import type { ChallengeStore, PendingChallenge } from '../domain/challenge.ts'
import type { Clock } from '../domain/clock.ts'
import { type LimitReached, type Permit, RATES } from '../domain/limits.ts'
import type { LockoutRules, LockoutScope } from '../domain/lockout.ts'
import type { Log } from '../domain/log.ts'
import type { LoginStore } from '../domain/login-records.ts'
import { isWithin, type Network } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { AskForCode, Challenge, ChallengePrompt } from './ask-for-code.ts'
import { refusedByLock } from './background.ts'
import type { EnrolAtLogin } from './enrol-at-login.ts'
import { ENROL_WITHIN_MS } from './enrolment-codes.ts'
import type { Grant } from './grant.ts'
import type { SignedIn } from './signed-in.ts'

export interface SettleOptions {
  readonly records: Pick<LoginStore, 'recordFailure'>
  readonly audit: Pick<AuditStore, 'append'>
  readonly challenges: Pick<ChallengeStore, 'put'>
  readonly rules: LockoutRules
  /** Where failures lock nobody, but by the hard limit. */
  readonly exempt: readonly Network[]
  /** How long a challenge can be answered, in milliseconds. */
  readonly challengeTtlMs: number
  readonly enrolAtLogin?: Pick<EnrolAtLogin, 'page' | 'codes'>
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
}

const STATE_OCTETS = 24 // 192 bits: nobody guesses a State

/** Counts and records what came of an attempt, and turns the wish for a code into a challenge that can be answered. */
export async function settle<Success extends Grant | SignedIn>(
  attempt: Attempt,
  permit: Permit,
  verdict: Success | AskForCode | Refusal,
  options: SettleOptions,
): Promise<Success | Challenge | Refusal> {
  if (verdict.kind === 'refusal') {
    if (verdict.counts) await keepFailure(attempt, permit, verdict, options)
    else {
      await permit.withdrawn()
      await options.audit.append(eventOf(attempt, 'login.refused', verdict, options))
    }
    return verdict
  }
  if (verdict.kind !== 'ask') {
    // A password alone goes on counting in the user's rate, as a prompt does: it could begin enrolments without end.
    if (verdict.kind === 'signed_in' && verdict.factors === 1) await permit.withdrawn(['user'])
    else await permit.succeeded()
    return verdict
  }
  if (verdict.failure === undefined) return prompted(attempt, permit, verdict, options)
  const locks = await keepFailure(attempt, permit, verdict.failure, options)
  // Another prompt would only be refused: say at once that it is over.
  return locks.length > 0 ? refusedByLock(locks, options.clock.now()) : challenge(verdict, options)
}

/** A prompt counts in the user's rate until it is answered: whoever has found a password cannot ask without end. */
async function prompted(
  attempt: Attempt,
  permit: Permit,
  { pending, prompt }: AskForCode,
  options: SettleOptions,
): Promise<Challenge> {
  let asked: Challenge
  try {
    asked = await challenge({ pending: { ...pending, prompted: permit.id }, prompt }, options)
  } catch (outage) {
    await permit.withdrawn()
    throw outage
  }
  await permit.withdrawn(['user'])
  noteInPassing(attempt, 'login.challenged', { detail: whoAsks(pending) }, options)
  return asked
}

async function challenge(
  { pending, prompt }: Pick<AskForCode, 'pending' | 'prompt'>,
  options: SettleOptions,
): Promise<Challenge> {
  const state = options.random.bytes(STATE_OCTETS).toString('base64url')
  const put = async (kept: PendingChallenge, ttlMs: number, shown: ChallengePrompt): Promise<Challenge> => {
    await options.challenges.put(state, kept, ttlMs)
    return { kind: 'challenge', state, prompt: shown }
  }
  if (prompt.kind !== 'enrol') return put(pending, options.challengeTtlMs, prompt)
  if (pending.upstream !== undefined || options.enrolAtLogin === undefined)
    throw new Error('nobody can enrol within this login')
  const { page, codes } = options.enrolAtLogin
  const { code, key } = await codes.issue(pending.user, pending.person.subject)
  return put({ ...pending, enrolmentCode: key }, ENROL_WITHIN_MS, { ...prompt, page, code })
}

/** A limit was reached before anything was looked at. A flood leaves one event for each window, not one a packet. */
export function refusedByLimit(attempt: Attempt, limit: LimitReached, options: SettleOptions): Refusal {
  const refusal = refuse('rate_limited', `limit of attempts by ${limit.by}`, limit.retryAfterMs)
  if (limit.first) noteInPassing(attempt, 'login.refused', refusal, options)
  return refusal
}

/** Writes an event that the answer need not wait for. */
export function noteInPassing(
  attempt: Attempt,
  kind: AuditKind,
  more: Pick<AuditEvent, 'reason' | 'detail'>,
  options: Pick<SettleOptions, 'audit' | 'clock' | 'random' | 'log'>,
): void {
  options.audit.append(eventOf(attempt, kind, more, options)).catch((error: unknown) => {
    options.log.warn('audit.lost', { attempt: attempt.id, kind, error })
  })
}

function whoAsks(pending: PendingChallenge): string {
  return pending.upstream === undefined
    ? `${pending.person.source}: first factor right`
    : `${pending.upstream.store}: asks the user itself`
}

async function keepFailure(attempt: Attempt, permit: Permit, failure: Refusal, options: SettleOptions) {
  const record = (lock: readonly LockoutScope[]) =>
    options.records.recordFailure({
      event: eventOf(attempt, 'login.refused', failure, options),
      user: attempt.name.stem,
      address: attempt.address,
      gateway: attempt.gateway,
      lock,
      rules: options.rules,
    })
  if (!isWithin(options.exempt, attempt.address)) return permit.failed(record)
  // It takes no part in the budgets that end in a lockout: neither fills them, nor begins them anew for others' guesses.
  await permit.withdrawn(RATES)
  return record([])
}
