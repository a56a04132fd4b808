import { type Kept, type Permit, RATE_NAMES } from '../../domain/attempt-limits.ts'
import type { PendingChallenge } from '../../domain/challenge.ts'
import type { FailureBudget } from '../../domain/lockout.ts'
import { customerNetwork } from '../../domain/network.ts'
import { accountKey } from '../../domain/person.ts'
import type { Refusal, RefusalReason } from '../../domain/refusal.ts'
import type { AskForCode, Challenge, ChallengePrompt } from '../ask-for-code.ts'
import { ENROLMENT_CODE_TTL_MS } from '../enrolment-codes.ts'
import type { Login } from '../login.ts'
import type { Grant } from './grant.ts'
import { refusedByLock } from './load-context.ts'
import type { SignedIn } from './sign-in.ts'

/** How the steps of a login ended. */
export type Verdict = Grant | SignedIn | AskForCode | Refusal

const STATE_OCTETS = 24 // 192 bits: cannot be guessed

/** Counts and records the verdict, and turns one that asks for a code into a challenge that can be answered. */
export async function recordOutcome(
  verdict: Verdict,
  login: Login,
): Promise<Grant | SignedIn | Challenge | Refusal> {
  const { permit } = login
  if (permit === undefined) throw new Error('no points were taken for the login')
  // Settled once: an outage from here on gives nothing back.
  login.permit = undefined
  switch (verdict.kind) {
    case 'refusal':
      if (verdict.counts) await recordFailure(verdict, permit, login)
      else await recordRefusal(verdict, permit, login)
      return verdict
    case 'ask': {
      if (verdict.failure === undefined) return prompt(verdict, permit, login)
      if (!verdict.failure.counts) {
        await recordRefusal(verdict.failure, permit, login)
        return challenge(verdict, login)
      }
      const locks = await recordFailure(verdict.failure, permit, login)
      // Another prompt would only be refused: say at once that the user is locked.
      if (locks.length > 0) return refusedByLock(locks, login.options.clock.now())
      return { ...(await challenge(verdict, login)), clue: verdict.failure.clue }
    }
    case 'signed_in':
      // A password alone goes on counting, as a prompt does: it could begin any number of enrolments.
      await (verdict.factors === 1
        ? permit.refund(['user_address', 'request'])
        : permit.succeed(keyOf(login)))
      return verdict
    case 'grant':
      await (verdict.waivedBy !== undefined ? permit.refund(['request']) : permit.succeed(keyOf(login)))
      return verdict
  }
}

/** Of a refusal that is no guess. */
async function recordRefusal(refusal: Refusal, permit: Permit, login: Login): Promise<void> {
  await permit.refund(keptAfter(refusal))
  await tellRefusal(refusal, login).catch(async (outage) => {
    await permit.refund()
    throw outage
  })
}

/**
 * A refusal that is no guess goes on counting in the rates of gateway and address, or a name that is locked, or an
 * unknown State, could be asked for without end. It does not where the login was right, but for the broker's own want.
 */
function keptAfter({ reason }: Refusal): readonly Kept[] {
  return RIGHT_ALL_THE_SAME.has(reason) ? ['request'] : ['gateway', 'address', 'request']
}

const RIGHT_ALL_THE_SAME: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'no_address',
  'too_many_sessions',
  'unavailable',
])

/**
 * A lock, or a client that goes on trying while the user has too many sessions, can refuse any number of logins: the
 * trail has the first of a window, and then how many more there were.
 */
async function tellRefusal(refusal: Refusal, login: Login): Promise<void> {
  const { audit, repeatedEvents } = login.options
  const event = login.event('login.refused', refusal)
  const { reason } = refusal
  if (reason !== 'locked' && reason !== 'too_many_sessions') return audit.append(event)
  const { user, address, gateway } = event
  const key = JSON.stringify([reason, user, address && customerNetwork(address), gateway])
  return repeatedEvents.tellFirst(key, event)
}

/**
 * A prompt counts at its user and address until it is answered, so that a stolen password cannot bring any number of
 * them; in the user's own rate it does not, or the thief would refuse the owner's logins elsewhere.
 */
async function prompt(ask: AskForCode, permit: Permit, login: Login): Promise<Challenge> {
  let asked: Challenge
  try {
    asked = await challenge({ ...ask, pending: { ...ask.pending, prompted: permit.id } }, login)
  } catch (outage) {
    await permit.refund()
    throw outage
  }
  await permit.refund(['user_address', 'request'])
  const reason = ask.prompt.kind === 'approve' ? 'approval' : undefined
  login.auditAsync('login.challenged', { reason, detail: whoAsks(ask.pending) })
  return asked
}

async function challenge({ pending, prompt, ttlMs }: AskForCode, login: Login): Promise<Challenge> {
  const { challengeTtlMs, enrolAtLogin } = login.options
  if (prompt.kind !== 'enrol') return keep(pending, ttlMs ?? challengeTtlMs, prompt, login)
  if (pending.upstream !== undefined || enrolAtLogin === undefined)
    throw new Error('nobody can enrol within this login')
  const { page, codes } = enrolAtLogin
  const { code, key } = await codes.issue(pending.user, pending.person.subject)
  const shown = { ...prompt, page, code }
  return keep({ ...pending, enrolmentCode: key }, ENROLMENT_CODE_TTL_MS, shown, login)
}

async function keep(
  pending: PendingChallenge,
  ttlMs: number,
  prompt: ChallengePrompt,
  { options: { challenges, random, unansweredPrompts } }: Login,
): Promise<Challenge> {
  const state = random.bytes(STATE_OCTETS).toString('base64url')
  await challenges.put(state, pending, ttlMs)
  if (pending.prompted !== undefined) unansweredPrompts.watch(state, ttlMs)
  return { kind: 'challenge', state, prompt }
}

function whoAsks(pending: PendingChallenge): string {
  return pending.upstream === undefined
    ? `${pending.person.source}: first factor right`
    : `${pending.upstream.store}: asks the user itself`
}

function keyOf({ account }: Login): string | undefined {
  return account && accountKey(account)
}

async function recordFailure(failure: Refusal, permit: Permit, login: Login) {
  const { records, lockoutRules } = login.options
  const { name, address, gateway } = login.attempt
  const { user, account, isExempt } = login
  const record = (lock: readonly FailureBudget[]) =>
    records.recordFailure({
      event: login.event('login.refused', failure),
      user,
      alias: user === name.username ? undefined : name.username,
      account,
      factor: login.isPasswordRight ? 'code' : 'password',
      address,
      gateway,
      lock,
      rules: lockoutRules,
    })
  if (!isExempt) return permit.fail(record, keyOf(login))
  // Exempt networks neither fill nor reset the budgets that end in a lockout.
  await permit.refund([...RATE_NAMES, 'request'])
  return record([])
}
