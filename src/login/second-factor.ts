import type { Attempt } from '../domain/attempt.ts'
import type { Clock } from '../domain/clock.ts'
import { type Enrolment, isRecoveryCode, recoveryCodeHash } from '../domain/enrolment.ts'
import { matchHotp } from '../domain/hotp.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { Claim } from '../domain/login-records.ts'
import type { Person } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import { type CodeAnswer, matchTotp } from '../domain/totp.ts'
import type { AskForCode } from './ask-for-code.ts'
import type { Background } from './background.ts'
import { askToEnrol, type EnrolAtLogin } from './enrol-at-login.ts'
import type { VerifiedUser } from './first-factor.ts'
import type { SecondFactorMode } from './typed-code.ts'

let prove: (person: Person, claim: Claim) => Proof

/** A user whose two factors were right, with what must be spent for it. Only this file can make one. */
export class Proof {
  readonly kind = 'proof'
  readonly person: Person
  readonly claim: Claim

  private constructor(person: Person, claim: Claim) {
    this.person = person
    this.claim = claim
  }

  static {
    prove = (person, claim) => new Proof(person, claim)
  }
}

export interface SecondFactorOptions {
  readonly required: boolean
  readonly mode: SecondFactorMode
  /** Wrong codes after which a login ends. */
  readonly tries: number
  /** Time steps to either side of now whose codes are taken. */
  readonly window: number
  readonly keys: KeyRing
  readonly clock: Clock
  /** Absent: users without an authenticator are refused. */
  readonly enrolAtLogin?: Pick<EnrolAtLogin, 'mayEnrol'>
}

/** Does the user hold the authenticator? The code is only recognised here; the grant spends it. */
export function secondFactor(
  attempt: Attempt,
  background: Background,
  user: VerifiedUser,
  options: SecondFactorOptions,
): Proof | AskForCode | Refusal {
  const { person, code } = user
  const enrolment = background.enrolmentOf(person.subject)
  // Whoever was asked for a code needs one, whatever an administrator or the user did meanwhile.
  if (typeof user.asked === 'string' && user.asked !== enrolment?.id)
    return refuse('challenge_expired', 'the authenticator whose code was asked for is no longer enrolled')
  if (enrolment === undefined) {
    // Where the code stands in for the password nothing is proved yet, and who exists is not told either.
    if (options.mode === 'only') return refuse('wrong_code', 'no authenticator is enrolled')
    if (options.required && options.enrolAtLogin?.mayEnrol(attempt, person) === true)
      return askToEnrol(attempt, user, options.tries)
    if (options.required || user.asked === null)
      return refuse('no_second_factor', 'no authenticator is enrolled')
    return prove(person, { kind: 'none' })
  }
  // Whoever has answered an identity store's challenge can answer another, whatever the mode.
  const prompts = options.mode === 'challenge' || options.mode === 'either' || attempt.state !== undefined
  if (code === undefined) {
    if (!prompts) return refuse('wrong_code', 'no code behind the password')
    return ask(attempt, background, user, { wrongCodes: 0, prompt: { kind: 'enter_code' } })
  }
  const typed = code.reveal().trim()
  if (isRecoveryCode(typed)) {
    const { subject } = person
    return prove(person, { kind: 'recovery', subject, hash: recoveryCodeHash(subject, typed) })
  }
  const answer = recognise(enrolment, typed, options)
  if (answer.kind === 'right')
    return prove(person, { kind: 'totp', enrolment: enrolment.id, step: answer.step })

  const failure =
    answer.kind === 'used'
      ? refuse('code_used', 'the code of a time step that was accepted before')
      : refuse('wrong_code', 'wrong code')
  return askAgain(attempt, background, user, failure, options)
}

/** A wrong code that was typed into a challenge is asked for again, a few times; any other ends the login. */
export function askAgain(
  attempt: Attempt,
  background: Background,
  user: VerifiedUser,
  failure: Refusal,
  { tries }: Pick<SecondFactorOptions, 'tries'>,
): AskForCode | Refusal {
  const wrongCodes = user.wrongCodes + 1
  const triesLeft = tries - wrongCodes
  if (attempt.state === undefined || triesLeft <= 0) return failure
  const kind = failure.reason === 'code_used' ? 'used_code' : 'wrong_code'
  return { ...ask(attempt, background, user, { wrongCodes, prompt: { kind, triesLeft } }), failure }
}

/** @throws CannotOpen where the seed was sealed by a key that the broker no longer has. */
export function recognise(
  enrolment: Enrolment,
  code: string,
  { keys, clock, window }: Pick<SecondFactorOptions, 'keys' | 'clock' | 'window'>,
): CodeAnswer {
  const seed: Secret = keys.open(enrolment.sealedSeed, enrolment.subject)
  if (enrolment.kind === 'hotp') return matchHotp(seed, enrolment, code, enrolment.lastStep)
  return matchTotp(seed, enrolment, code, clock.now(), window, enrolment.lastStep)
}

function ask(
  { gateway, name, address }: Attempt,
  background: Background,
  { person }: VerifiedUser,
  { wrongCodes, prompt }: { readonly wrongCodes: number; readonly prompt: AskForCode['prompt'] },
): AskForCode {
  const enrolment = background.enrolmentOf(person.subject)?.id ?? null
  return {
    kind: 'ask',
    prompt,
    pending: { user: name.stem, gateway, address, person, wrongCodes, enrolment },
  }
}
