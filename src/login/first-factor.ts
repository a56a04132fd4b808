import type { Attempt } from '../domain/attempt.ts'
import type { ChallengeStore, PendingChallenge } from '../domain/challenge.ts'
import type { Enrolment } from '../domain/enrolment.ts'
import type { Candidate, FirstFactorAnswer, Person } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import { type Background, pretendToCheck } from './background.ts'
import { type SecondFactorMode, splitTyped } from './typed-code.ts'

let vouch: (person: Person, code: Secret | undefined, wrongCodes?: number) => VerifiedUser

/** A user whose first factor was right. Only this file can make one, and the second factor takes nothing else. */
export class VerifiedUser {
  readonly kind = 'verified'
  readonly person: Person
  /** The code that was typed with the password or into a challenge; absent where none was typed yet. */
  readonly code: Secret | undefined
  /** Wrong codes so far in this login. */
  readonly wrongCodes: number

  private constructor(person: Person, code: Secret | undefined, wrongCodes: number) {
    this.person = person
    this.code = code
    this.wrongCodes = wrongCodes
  }

  static {
    vouch = (person, code, wrongCodes = 0) => new VerifiedUser(person, code, wrongCodes)
  }
}

export interface FirstFactorOptions {
  readonly mode: SecondFactorMode
  readonly challenges: Pick<ChallengeStore, 'take'>
  readonly isCodeNow: (enrolment: Enrolment, code: string) => boolean
}

/** Who is it? A password, the State of a password that was right a moment ago, or in `only` mode the name alone. */
export async function firstFactor(
  attempt: Attempt,
  background: Background,
  options: FirstFactorOptions,
): Promise<VerifiedUser | Refusal> {
  if (attempt.state !== undefined) return resume(attempt, attempt.state, options)
  // An empty password would be an anonymous bind to a directory, and those succeed (RFC 4513 §5.1.2).
  if (attempt.typed.isEmpty) return refuse('bad_credentials', 'empty password')

  for (const candidate of background.candidates) {
    const { answer, code } = await ask(candidate, attempt, background, options)
    if (answer.kind === 'unknown') continue
    if (answer.kind === 'wrong') return refuse('bad_credentials', `${candidate.store.name}: ${answer.detail}`)
    if (answer.kind === 'barred') return refuse('barred', `${candidate.store.name}: ${answer.detail}`)
    const { subject, store } = candidate
    return vouch({ subject, source: store.name, ...answer.account }, code)
  }
  await pretendToCheck(attempt, background.candidates)
  return refuse('bad_credentials', 'no identity store knows the user')
}

async function ask(
  { store, name, subject }: Candidate,
  { typed, deadline }: Attempt,
  background: Background,
  { mode, isCodeNow }: FirstFactorOptions,
): Promise<{ answer: FirstFactorAnswer; code?: Secret | undefined }> {
  if (mode === 'only') return { answer: await store.lookup(name, deadline), code: typed }
  const { password, code } = splitTyped(typed, mode, background.enrolmentOf(subject), isCodeNow)
  if (password.isEmpty) return { answer: { kind: 'wrong', detail: 'a code without a password' } }
  return { answer: await store.authenticate(name, password, deadline), code }
}

/** Takes the challenge out before looking at it: whatever follows, this State is spent. */
async function resume(
  attempt: Attempt,
  state: string,
  { challenges }: FirstFactorOptions,
): Promise<VerifiedUser | Refusal> {
  const pending = await challenges.take(state)
  if (pending === undefined) return refuse('challenge_expired', 'the State is unknown, spent or too old')
  const difference = mismatch(attempt, pending)
  if (difference !== undefined)
    return refuse('challenge_mismatch', `the challenge was for another ${difference}`)
  return vouch(pending.person, attempt.typed, pending.wrongCodes)
}

function mismatch(attempt: Attempt, pending: PendingChallenge): 'user' | 'gateway' | 'address' | undefined {
  if (attempt.name.stem !== pending.user) return 'user'
  if (attempt.gateway !== pending.gateway) return 'gateway'
  return attempt.address === pending.address ? undefined : 'address'
}
