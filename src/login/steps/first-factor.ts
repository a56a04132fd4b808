import type { AwaitedApproval, AwaitedCode, OutsideCode, PendingChallenge } from '../../domain/challenge.ts'
import { Unavailable } from '../../domain/errors.ts'
import type {
  Candidate,
  FirstFactorAnswer,
  FirstFactorContext,
  Identified,
} from '../../domain/identity-provider.ts'
import type { LoginAttempt } from '../../domain/login-attempt.ts'
import { type AccountId, type Person, subjectOf } from '../../domain/person.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { Secret } from '../../domain/secret.ts'
import type { AskForCode } from '../ask-for-code.ts'
import { enrolmentByLookup } from '../enrolment-by-lookup.ts'
import { identify } from '../identify.ts'
import type { Login } from '../login.ts'
import { recogniseCode } from '../recognise-code.ts'
import { relayUpstreamChallenge } from '../relay-upstream-challenge.ts'
import { splitTyped } from '../split-password-and-code.ts'
import type { VerifiedClaims } from '../verified-claims.ts'
import type { LoginContext } from './load-context.ts'

type Asked = Partial<
  Pick<
    AwaitedCode,
    'wrongCodes' | 'enrolments' | 'outside' | 'sealedPasswordHash' | 'approval' | 'offersGrace'
  >
>

/** What was typed into this request. */
interface Shown {
  readonly password?: Secret
  readonly code?: Secret
  readonly claims?: VerifiedClaims
}

let verified: (context: LoginContext, person: Person, shown: Shown, asked?: Asked) => VerifiedUser

/** A user whose first factor was right. Only this file can make one, and the second factor takes nothing else. */
export class VerifiedUser {
  readonly kind = 'verified'
  readonly context: LoginContext
  readonly person: Person
  /** The code that was typed after the password or into a challenge; absent where none was typed yet. */
  readonly code: Secret | undefined
  /** The password that was right; absent where it came with an earlier request, or there was none. */
  readonly password: Secret | undefined
  /** What the provider of the single sign-on says, where this login came from there. */
  readonly claims: VerifiedClaims | undefined
  /** As `AwaitedCode.sealedPasswordHash`. */
  readonly sealedPasswordHash: string | undefined
  /** Wrong codes so far in this login. */
  readonly wrongCodes: number
  /** As `AwaitedCode.enrolments`, where the code answers a challenge; absent where none was asked for in this login. */
  readonly asked: readonly string[] | undefined
  readonly outside: OutsideCode | undefined
  /** As `AwaitedCode.approval`. */
  readonly approval: AwaitedApproval | undefined
  /** As `AwaitedCode.offersGrace`. */
  readonly offersGrace: boolean

  private constructor(
    context: LoginContext,
    person: Person,
    { password, code, claims }: Shown,
    asked?: Asked,
  ) {
    this.context = context
    this.person = person
    this.code = code
    this.password = password
    this.claims = claims
    this.sealedPasswordHash = asked?.sealedPasswordHash
    this.wrongCodes = asked?.wrongCodes ?? 0
    this.asked = asked?.enrolments
    this.outside = asked?.outside
    this.approval = asked?.approval
    this.offersGrace = asked?.offersGrace ?? false
  }

  static {
    verified = (context, person, shown, asked) => new VerifiedUser(context, person, shown, asked)
  }
}

/** A user whom the provider of the single sign-on has signed in. */
export function signedOnUser(context: LoginContext, person: Person, claims: VerifiedClaims): VerifiedUser {
  return verified(context, person, { claims })
}

/** A user who is signed in passed the first factor when that session began, and shows a code once more. */
export async function resumeSession(context: LoginContext, login: Login): Promise<VerifiedUser | Refusal> {
  const { signedInAs, attempt } = login
  if (signedInAs === undefined) throw new Error('nobody is signed in')
  const identified = await identify(context, signedInAs, login)
  if (identified.kind === 'refusal') return identified
  login.isPasswordRight = true
  return verified(identified, signedInAs, { code: attempt.typed })
}

/** Who is it? A password, the State of a password that was right a moment ago, or in `only` mode the name alone. */
export async function firstFactor(
  context: LoginContext,
  login: Login,
): Promise<VerifiedUser | AskForCode | Refusal> {
  // Disposes of the prefetch that no password completed.
  using _ = context.pending
  const { attempt } = login
  if (attempt.state !== undefined) return answerChallenge(context, attempt.state, login)
  // An empty password would be an anonymous bind to a directory, and those succeed (RFC 4513 §5.1.2).
  // It takes no shared secret to send one where requests need not be signed, so it is no guess.
  if (attempt.typed.isEmpty) return { ...refuse('bad_credentials', 'empty password'), counts: false }

  let outage: Unavailable | undefined
  for (const candidate of context.candidates) {
    try {
      const asked = await askStore(candidate, context, login)
      if (asked.kind === 'refusal') return asked
      const { answer, password, code } = asked
      if (answer.kind === 'unknown') continue
      login.decidedAt =
        answer.kind === 'withheld' ? `${candidate.store.name}, not asked` : candidate.store.name
      // What the store itself found goes before the name that it was asked for.
      login.account ??= accountIn(candidate)
      return await conclude(asked.context, candidate, answer, login, { password, code, rounds: 0 })
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      // An outage after a password was sent counts in the rates: a later one must not hide it.
      if (outage?.passwordSent !== true) outage = error
      if (!candidate.mayBeMissing) throw outage
    }
  }
  // The store that could not be asked may be the one that knows the user.
  if (outage !== undefined) throw outage
  login.decidedAt = 'everybody'
  return refuse('bad_credentials', 'no identity store knows the user')
}

/** What a store answered, and what is known of the login since. */
interface StoreAnswer {
  readonly kind: 'asked'
  readonly context: LoginContext
  readonly answer: FirstFactorAnswer
  readonly password?: Secret
  readonly code?: Secret
}

async function askStore(
  candidate: Candidate,
  loaded: LoginContext,
  login: Login,
): Promise<StoreAnswer | Refusal> {
  const { attempt, options, rules } = login
  const { typed, deadline } = attempt
  const { store, name } = candidate
  if (rules.mode === 'only')
    return { kind: 'asked', context: loaded, answer: await store.lookup(name, deadline), code: typed }
  const found = await enrolmentByLookup(candidate, loaded, login)
  if (found.kind === 'refusal') return found
  const { context } = found
  const { password, code } = splitTyped(
    typed,
    rules.mode,
    found.enrolments,
    (digits) => recogniseCode(found.enrolments, digits, options).kind !== 'wrong',
  )
  if (password.isEmpty)
    return { kind: 'asked', context, answer: { kind: 'wrong', detail: 'a code without a password' } }
  let known: LoginContext = context
  let refusal: Refusal | undefined
  const identified: Identified = async (account) => {
    const answer = await identify(
      context,
      { source: store.name, subject: subjectOf(candidate, account) },
      login,
    )
    if (answer.kind === 'refusal') refusal = answer
    else known = answer
    return answer.kind === 'context'
  }
  const about = { ...contextOf(candidate, login), identified }
  const pending = candidate === context.candidates[0] ? context.pending : undefined
  const answer = await (pending?.complete(password, about) ??
    store.authenticate(name, password, deadline, about))
  if (refusal !== undefined) return refusal
  if (answer.kind !== 'unknown') login.checkedBy = store
  else login.account = undefined
  return { kind: 'asked', context: known, answer, password, code }
}

/** @param more `rounds`: how often the store itself has asked in this login; `code`: what was typed for the broker. */
async function conclude(
  context: LoginContext,
  candidate: Candidate,
  answer: FirstFactorAnswer,
  login: Login,
  more: Shown & { readonly rounds: number },
): Promise<VerifiedUser | AskForCode | Refusal> {
  const { attempt, rules } = login
  const { store } = candidate
  switch (answer.kind) {
    case 'right': {
      const { groups, attributes, endsAt, record, notice } = answer.account
      const subject = subjectOf(candidate, answer.account)
      const identified = await identify(context, { source: store.name, subject }, login)
      if (identified.kind === 'refusal') {
        // A store that tells the account only after the right password: the lockout must not tell that it was right.
        return rules.mode === 'only'
          ? identified
          : refuse('bad_credentials', `${store.name}: ${identified.detail}`)
      }
      login.isPasswordRight = rules.mode !== 'only'
      const person = { subject, source: store.name, groups, attributes, endsAt, record, notice }
      if (store.isOwn !== true) login.options.seenAccounts?.note(attempt.name.username, person)
      return verified(identified, person, more)
    }
    case 'wrong':
      return refuse('bad_credentials', `${store.name}: ${answer.detail}`)
    case 'barred':
      return { ...refuse('barred', `${store.name}: ${answer.detail}`), tell: answer.tell }
    case 'stopped':
      throw new Error(`${store.name}: stopped without a refusal`)
    case 'withheld': {
      const { reason, detail, retryAfterMs, isTold } = answer
      const refusal = refuse(reason, `${store.name}: ${detail}`, retryAfterMs)
      return { ...refusal, counts: false, ...(!isTold && { isUntold: true }) }
    }
    case 'challenged':
      return relayUpstreamChallenge(attempt, store.name, answer, more.rounds)
    case 'unknown':
      return refuse('bad_credentials', `${store.name}: the user is not known any more`)
  }
}

/** The account that a name stands for, as far as the broker can tell before a store does. */
export function accountIn({ store, subject }: Candidate): AccountId {
  return { source: store.name, subject }
}

function contextOf(candidate: Candidate, login: Login, state?: string): FirstFactorContext {
  const { address, gateway } = login.attempt
  const guard = login.options.directoryGuard.for(login, candidate)
  return { address, gateway, state, isAtKnownAddress: () => login.isAtKnownAddress(), guard }
}

/** Takes the challenge out before looking at it: whatever follows, this State is spent. */
async function answerChallenge(
  context: LoginContext,
  state: string,
  login: Login,
): Promise<VerifiedUser | AskForCode | Refusal> {
  const { attempt, options } = login
  const { challenges, enrolmentCodes, limits, unansweredPrompts } = options
  unansweredPrompts.answered(state)
  const pending = await challenges.take(state)
  if (pending === undefined) return refuse('challenge_expired', 'the State is unknown, spent or too old')
  // The prompt that showed the code is gone, so the code must not stay valid for anybody else who saw it.
  if (pending.upstream === undefined && pending.enrolmentCode !== undefined)
    await enrolmentCodes.revoke(pending.enrolmentCode)
  const difference = mismatch(attempt, pending)
  if (difference !== undefined)
    return refuse('challenge_mismatch', `the challenge was for another ${difference}`)
  if (pending.prompted !== undefined)
    await limits.promptAnswered({ ...pending, user: pending.countsFor ?? pending.user }, pending.prompted)
  const asker = pending.upstream === undefined ? pending.person.source : pending.upstream.store
  // With another realm the same name is another user.
  const candidate = context.candidates.find(({ store }) => store.name === asker)
  if (candidate === undefined)
    return refuse('challenge_expired', `${asker} is not asked for this name, or not any more`)
  login.isPasswordRight = true
  const { store, name } = candidate
  if (pending.upstream !== undefined) {
    login.account = accountIn(candidate)
    // What was typed goes to the store that asked, and to no other.
    const { state: storeState, rounds } = pending.upstream
    const { typed, deadline } = attempt
    const answer = await store.authenticate(name, typed, deadline, contextOf(candidate, login, storeState))
    return conclude(context, candidate, answer, login, { rounds })
  }
  const identified = await identify(context, pending.person, login)
  if (identified.kind === 'refusal') return identified
  const confirmed = await store.confirm?.(name, attempt.deadline)
  if (confirmed !== undefined && confirmed.kind !== 'right')
    return conclude(identified, candidate, confirmed, login, { rounds: 0 })
  if (confirmed !== undefined && confirmed.account.record !== pending.person.record)
    return refuse('challenge_expired', 'the password was changed after it was typed')
  return verified(identified, pending.person, { code: attempt.typed }, pending)
}

function mismatch(
  attempt: LoginAttempt,
  pending: PendingChallenge,
): 'user' | 'gateway' | 'address' | undefined {
  if (attempt.name.username !== pending.user) return 'user'
  if (attempt.gateway !== pending.gateway) return 'gateway'
  return attempt.address === pending.address ? undefined : 'address'
}
