import { isRecoveryCode, isScratchCode, recoveryCodeHash, scratchCodeHash } from '../../domain/enrolment.ts'
import type { CodeUse } from '../../domain/login-records.ts'
import type { Person } from '../../domain/person.ts'
import type { Policy } from '../../domain/policy.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import { Secret } from '../../domain/secret.ts'
import { type AskForCode, askAgain, askForCode, askToEnrol } from '../ask-for-code.ts'
import type { Login } from '../login.ts'
import { recogniseCode } from '../recognise-code.ts'
import type { GovernedUser } from './find-policy.ts'
import type { EnrolledUser } from './load-enrolment.ts'
import type { TrustedUser } from './recognise-trust.ts'

let authenticated: (user: EnrolledUser, codeUse: CodeUse) => AuthenticatedUser

/**
 * A user who passed both factors, or whose second one is waived, with what must be spent for it: a code, or the trust.
 * Only this file can make one.
 */
export class AuthenticatedUser {
  readonly kind = 'authenticated'
  readonly user: EnrolledUser
  readonly codeUse: CodeUse

  private constructor(user: EnrolledUser, codeUse: CodeUse) {
    this.user = user
    this.codeUse = codeUse
  }

  static {
    authenticated = (user, codeUse) => new AuthenticatedUser(user, codeUse)
  }

  get person(): Person {
    return this.user.verified.person
  }
}

/** At a gateway: a user who has passed what the policy demands. */
export interface QualifiedUser {
  readonly kind: 'qualified'
  readonly governed: GovernedUser
  readonly authenticated: AuthenticatedUser
}

/** At a gateway: the second factor as the policy wants it. */
export function secondFactorByPolicy(
  user: GovernedUser | TrustedUser,
  login: Login,
): QualifiedUser | AskForCode | Refusal {
  const governed = user.kind === 'trusted' ? user.user : user
  const answer =
    user.kind === 'trusted'
      ? authenticated(governed.enrolled, trustUse(user))
      : checkCode(governed.enrolled, login, governed.choice.policy)
  return answer.kind === 'authenticated' ? { kind: 'qualified', governed, authenticated: answer } : answer
}

function trustUse({ trust, user: { enrolled } }: TrustedUser): CodeUse {
  if (enrolled.enrolment === undefined) throw new Error('a user without an authenticator is never trusted')
  return { kind: 'trust', trust, enrolment: enrolled.enrolment.id }
}

/** At the broker's own pages: does the user hold the authenticator? No policy and no trust counts there. */
export function secondFactor(user: EnrolledUser, login: Login): AuthenticatedUser | AskForCode | Refusal {
  return checkCode(user, login, undefined)
}

/** The code is only recognised here; a later step spends it. */
function checkCode(
  user: EnrolledUser,
  login: Login,
  policy: Policy | undefined,
): AuthenticatedUser | AskForCode | Refusal {
  const { attempt, rules, options } = login
  const isRequired = rules.secondFactorRequired || policy?.needsFreshFactor === true
  const { enrolment, verified } = user
  const { person, code } = verified
  // A user who was asked for a code needs that one, whatever an administrator or the user changed meanwhile.
  if (typeof verified.asked === 'string' && verified.asked !== enrolment?.id)
    return refuse('challenge_expired', 'the authenticator whose code was asked for is no longer enrolled')
  if (enrolment === undefined) {
    // Where the code replaces the password nothing is proved yet, and the answer must not tell who exists.
    if (rules.mode === 'only') return refuse('wrong_code', 'no authenticator is enrolled')
    if (isRequired && rules.enrolAtLogin?.mayEnrol(policy) === true) return askToEnrol(user, login)
    if (isRequired || verified.asked === null)
      return refuse('no_second_factor', 'no authenticator is enrolled')
    return authenticated(user, { kind: 'none' })
  }
  if (code === undefined) {
    // A user who has answered an identity store's challenge can answer another, whatever the mode.
    const prompts = rules.mode === 'challenge' || rules.mode === 'either' || attempt.state !== undefined
    return prompts ? askForCode(user, login) : refuse('wrong_code', 'no code behind the password')
  }
  const typed = code.reveal().trim()
  if (isRecoveryCode(typed)) {
    const { subject } = person
    return authenticated(user, { kind: 'recovery', subject, hash: recoveryCodeHash(subject, typed) })
  }
  if (isScratchCode(typed, enrolment)) {
    const { subject } = person
    const seed = options.keys.open(enrolment.sealedSeed, enrolment.subject)
    // Or it is the code of an app that shows another number of digits.
    login.wrongCode = { enrolment, typed: new Secret(typed) }
    return authenticated(user, { kind: 'recovery', subject, hash: scratchCodeHash(seed, subject, typed) })
  }
  const answer = recogniseCode(enrolment, typed, options, verified.outside)
  switch (answer.kind) {
    case 'right':
      return authenticated(user, { ...answer, kind: 'totp', enrolment: enrolment.id })
    case 'used':
      return askAgain(user, refuse('code_used', 'the code of a time step that was accepted before'), login)
    case 'wrong':
      login.wrongCode = { enrolment, typed: new Secret(typed) }
      return askAgain(user, refuse('wrong_code', 'wrong code'), login, answer.outside)
  }
}
