import type { Attempt } from '../domain/attempt.ts'
import type { AwaitedAnswer, AwaitedCode, ChallengeStore, PendingChallenge } from '../domain/challenge.ts'
import type { Enrolment } from '../domain/enrolment.ts'
import type { AttemptLimits } from '../domain/limits.ts'
import {
  type Candidate,
  type FirstFactorAnswer,
  type FirstFactorContext,
  type Person,
  subjectOf,
  Unavailable,
} from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import type { AskForCode } from './ask-for-code.ts'
import type { Background } from './background.ts'
import type { Effort } from './effort.ts'
import type { EnrolmentCodes } from './enrolment-codes.ts'
import { passOn } from './store-challenge.ts'
import { type SecondFactorMode, splitTyped } from './typed-code.ts'

let vouch: (
  person: Person,
  code: Secret | undefined,
  asked?: Partial<Pick<AwaitedCode, 'wrongCodes' | 'enrolment'>>,
) => VerifiedUser

/** A user whose first factor was right. Only this file can make one, and the second factor takes nothing else. */
export class VerifiedUser {
  readonly kind = 'verified'
  readonly person: Person
  /** The code that was typed with the password or into a challenge; absent where none was typed yet. */
  readonly code: Secret | undefined
  /** Wrong codes so far in this login. */
  readonly wrongCodes: number
  /** As `AwaitedCode.enrolment`, where the code answers a challenge; absent where none was asked for in this login. */
  readonly asked: string | null | undefined

  private constructor(
    person: Person,
    code: Secret | undefined,
    { wrongCodes, enrolment }: Partial<Pick<AwaitedCode, 'wrongCodes' | 'enrolment'>>,
  ) {
    this.person = person
    this.code = code
    this.wrongCodes = wrongCodes ?? 0
    this.asked = enrolment
  }

  static {
    vouch = (person, code, asked = {}) => new VerifiedUser(person, code, asked)
  }
}

export interface FirstFactorOptions {
  readonly mode: SecondFactorMode
  readonly challenges: Pick<ChallengeStore, 'take'>
  readonly limits: Pick<AttemptLimits, 'answered'>
  /** Whether this is a code of the enrolment at this moment, used or not. */
  readonly isCodeNow: (enrolment: Enrolment, code: string) => boolean
  readonly enrolmentCodes: EnrolmentCodes
}

/** A user who is signed in, and whose first factor was therefore right when that began, shows a code once more. */
export function stillVerified(person: Person, code: Secret): VerifiedUser {
  return vouch(person, code)
}

/** Who is it? A password, the State of a password that was right a moment ago, or in `only` mode the name alone. */
export async function firstFactor(
  attempt: Attempt,
  background: Background,
  effort: Effort,
  options: FirstFactorOptions,
): Promise<VerifiedUser | AskForCode | Refusal> {
  // What is not finished here is given up.
  using _ = background.begun
  if (attempt.state !== undefined) return resume(attempt, attempt.state, background, options)
  // An empty password would be an anonymous bind to a directory, and those succeed (RFC 4513 §5.1.2).
  if (attempt.typed.isEmpty) return refuse('bad_credentials', 'empty password')

  let missing: Unavailable | undefined
  for (const candidate of background.candidates) {
    try {
      const { answer, code } = await ask(candidate, attempt, background, effort, options)
      if (answer.kind === 'unknown') continue
      effort.decidedAt = candidate.store.name
      return conclude(attempt, candidate, answer, { code, rounds: 0 })
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      // That somebody may have seen the password is not to be forgotten for an outage that came behind it.
      if (missing?.passwordSent !== true) missing = error
      if (!candidate.mayBeMissing) throw missing
    }
  }
  // The one who could not be asked may be the one who knows the user.
  if (missing !== undefined) throw missing
  effort.decidedAt = 'everybody'
  return refuse('bad_credentials', 'no identity store knows the user')
}

async function ask(
  candidate: Candidate,
  attempt: Attempt,
  background: Background,
  effort: Effort,
  { mode, isCodeNow }: FirstFactorOptions,
): Promise<{ answer: FirstFactorAnswer; code?: Secret | undefined }> {
  const { typed, deadline } = attempt
  const { store, name, subject } = candidate
  if (mode === 'only') return { answer: await store.lookup(name, deadline), code: typed }
  const { password, code } = splitTyped(typed, mode, background.enrolmentOf(subject), isCodeNow)
  if (password.isEmpty) return { answer: { kind: 'wrong', detail: 'a code without a password' } }
  const begun = candidate === background.candidates[0] ? background.begun : undefined
  const answer = await (begun?.finish(password) ??
    store.authenticate(name, password, deadline, contextOf(attempt)))
  if (answer.kind !== 'unknown') effort.checkedBy = store
  return { answer, code }
}

/** @param login `rounds`: how often the store itself has asked in this login; `code`: what was typed for the broker. */
function conclude(
  attempt: Attempt,
  candidate: Candidate,
  answer: FirstFactorAnswer,
  login: { readonly code?: Secret | undefined; readonly rounds: number },
): VerifiedUser | AskForCode | Refusal {
  const { store } = candidate
  switch (answer.kind) {
    case 'right': {
      const { groups, attributes } = answer.account
      const subject = subjectOf(candidate, answer.account)
      return vouch({ subject, source: store.name, groups, attributes }, login.code)
    }
    case 'wrong':
      return refuse('bad_credentials', `${store.name}: ${answer.detail}`)
    case 'barred':
      return { ...refuse('barred', `${store.name}: ${answer.detail}`), tell: answer.tell }
    case 'challenged':
      return passOn(attempt, store.name, answer, login.rounds)
    case 'unknown':
      return refuse('bad_credentials', `${store.name}: the user is not known any more`)
  }
}

function contextOf({ address, gateway }: Attempt, state?: string): FirstFactorContext {
  return { address, gateway, state }
}

/** Takes the challenge out before looking at it: whatever follows, this State is spent. */
async function resume(
  attempt: Attempt,
  state: string,
  background: Background,
  { challenges, enrolmentCodes, limits }: FirstFactorOptions,
): Promise<VerifiedUser | AskForCode | Refusal> {
  const pending = await challenges.take(state)
  if (pending === undefined) return refuse('challenge_expired', 'the State is unknown, spent or too old')
  // Its prompt is gone, and nobody shall wonder who else has seen it.
  if (pending.upstream === undefined && pending.enrolmentCode !== undefined)
    await enrolmentCodes.revoke(pending.enrolmentCode)
  const difference = mismatch(attempt, pending)
  if (difference !== undefined)
    return refuse('challenge_mismatch', `the challenge was for another ${difference}`)
  if (pending.prompted !== undefined) await limits.answered(pending, pending.prompted)
  const asker = pending.upstream === undefined ? pending.person.source : pending.upstream.store
  // With another realm the same name is somebody else.
  const candidate = background.candidates.find(({ store }) => store.name === asker)
  if (candidate === undefined)
    return refuse('challenge_expired', `${asker} is not asked for this name, or not any more`)
  if (pending.upstream !== undefined) return giveAnswer(attempt, candidate, pending.upstream)
  const standing = await candidate.store.confirm?.(candidate.name, attempt.deadline)
  if (standing !== undefined && standing.kind !== 'right')
    return conclude(attempt, candidate, standing, { rounds: 0 })
  return vouch(pending.person, attempt.typed, pending)
}

/** What was typed goes to the store that asked, and to no other. */
async function giveAnswer(
  attempt: Attempt,
  candidate: Candidate,
  { state, rounds }: AwaitedAnswer['upstream'],
): Promise<VerifiedUser | AskForCode | Refusal> {
  const { typed, deadline } = attempt
  const context = contextOf(attempt, state)
  const answer = await candidate.store.authenticate(candidate.name, typed, deadline, context)
  return conclude(attempt, candidate, answer, { rounds })
}

function mismatch(attempt: Attempt, pending: PendingChallenge): 'user' | 'gateway' | 'address' | undefined {
  if (attempt.name.stem !== pending.user) return 'user'
  if (attempt.gateway !== pending.gateway) return 'gateway'
  return attempt.address === pending.address ? undefined : 'address'
}
