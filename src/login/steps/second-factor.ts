import {
  type Enrolment,
  isRecoveryCode,
  isScratchCode,
  recoveryCodeHash,
  scratchCodeHash,
} from '../../domain/enrolment.ts'
import type { CodeUse } from '../../domain/login-records.ts'
import type { Person } from '../../domain/person.ts'
import type { Policy } from '../../domain/policy.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import { Secret } from '../../domain/secret.ts'
import { type AskForCode, askAgain, askForCode, askForGrace, askToEnrol } from '../ask-for-code.ts'
import { findGrace, isEnter, type OpenGrace } from '../grace.ts'
import type { Login } from '../login.ts'
import { recogniseCode } from '../recognise-code.ts'
import type { GovernedUser } from './find-policy.ts'
import type { EnrolledUser } from './load-enrolment.ts'
import type { TrustedUser } from './recognise-trust.ts'
import type { ApprovedUser } from './take-approval.ts'

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

  /** Whether the provider of the single sign-on has checked a second factor. */
  get isVouchedFor(): boolean {
    return this.user.verified.claims?.signedOn.hasSecondFactor === true
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
  user: GovernedUser | TrustedUser | ApprovedUser,
  login: Login,
): Qualification | Promise<Qualification> {
  const governed = user.kind === 'governed' ? user : user.user
  const { enrolled, choice } = governed
  if (user.kind !== 'governed') {
    const use = user.kind === 'trusted' ? trustUse(user) : approvalUse(user)
    return qualified(governed, authenticated(enrolled, use))
  }
  if (enrolled.enrolments.length > 0) return qualified(governed, checkCode(enrolled, login, choice.policy))
  return findGrace(governed, login).then((grace) =>
    qualified(
      governed,
      grace === undefined ? checkCode(enrolled, login, choice.policy) : byGrace(governed, login, grace),
    ),
  )
}

type Qualification = QualifiedUser | AskForCode | Refusal

function qualified(governed: GovernedUser, answer: AuthenticatedUser | AskForCode | Refusal): Qualification {
  return answer.kind === 'authenticated' ? { kind: 'qualified', governed, authenticated: answer } : answer
}

/** A user without an authenticator is told first, whatever the mode: to enrol one, or to go on without. */
function byGrace(
  { enrolled, choice: { policy } }: GovernedUser,
  login: Login,
  { left, use }: OpenGrace,
): AuthenticatedUser | AskForCode | Refusal {
  const { asked = [], offersGrace, code } = enrolled.verified
  // A user who was asked for a code needs that one.
  if (asked.length > 0) return checkCode(enrolled, login, policy)
  const enrols = login.rules.enrolAtLogin?.mayEnrol(policy) === true
  if (offersGrace && (!enrols || isEnter(code?.reveal() ?? ''))) return authenticated(enrolled, use)
  return enrols ? askToEnrol(enrolled, login, left) : askForGrace(enrolled, login, left)
}

function trustUse({ trust: { id, enrolment } }: TrustedUser): CodeUse {
  return { kind: 'trust', trust: id, enrolment }
}

function approvalUse({ passkey, user: { enrolled } }: ApprovedUser): CodeUse {
  return { kind: 'approval', passkey, subject: enrolled.verified.person.subject }
}

/** At the broker's own pages: does the user hold an authenticator? No policy and no trust counts there. */
export function secondFactor(user: EnrolledUser, login: Login): AuthenticatedUser | AskForCode | Refusal {
  // The password alone must not add an authenticator to the passkeys.
  if (user.hasPasskey) return refuse('passkey_needed', 'the user has passkeys and no authenticator')
  return checkCode(user, login, undefined)
}

/** After a single sign-on: the provider's second factor where it has checked one, and the code otherwise. */
export function secondFactorOfProvider(
  user: EnrolledUser,
  login: Login,
): AuthenticatedUser | AskForCode | Refusal {
  return user.verified.claims?.signedOn.hasSecondFactor === true
    ? authenticated(user, { kind: 'none' })
    : secondFactor(user, login)
}

/** The code is only recognised here; a later step spends it. */
function checkCode(
  user: EnrolledUser,
  login: Login,
  policy: Policy | undefined,
): AuthenticatedUser | AskForCode | Refusal {
  const { attempt, rules, options } = login
  const isRequired = rules.secondFactorRequired || policy?.needsFreshFactor === true
  const { enrolments, verified } = user
  const { person, code, asked = [] } = verified
  if (asked.length > 0 && enrolments.length === 0)
    return refuse('challenge_expired', 'the authenticator whose code was asked for is no longer enrolled')
  if (enrolments.length === 0) {
    // Where the code replaces the password nothing is proved yet, and the answer must not tell who exists.
    if (rules.mode === 'only') return refuse('wrong_code', 'no authenticator is enrolled')
    if (isRequired && !user.hasPasskey && rules.enrolAtLogin?.mayEnrol(policy) === true)
      return askToEnrol(user, login)
    if (isRequired || verified.asked !== undefined)
      return refuse('no_second_factor', 'no authenticator is enrolled')
    return authenticated(user, { kind: 'none' })
  }
  if (code === undefined) {
    // A user who has answered an identity store's challenge can answer another, whatever the mode.
    const prompts = rules.mode !== 'append' || attempt.state !== undefined
    return prompts ? askForCode(user, login) : refuse('wrong_code', 'no code behind the password')
  }
  const typed = code.reveal().trim()
  const { subject } = person
  if (isRecoveryCode(typed))
    return authenticated(user, { kind: 'recovery', subject, hashes: [recoveryCodeHash(subject, typed)] })
  const answer = recogniseCode(enrolments, typed, options, verified.outside)
  if (answer.kind === 'right') return authenticated(user, { ...answer, kind: 'totp' })
  if (answer.kind === 'used')
    return askAgain(user, refuse('code_used', 'the code of a time step that was accepted before'), login)
  login.wrongCode = { enrolments, typed: new Secret(typed) }
  // Or it is the code of an app that shows another number of digits.
  const hashes = scratchCodeHashes(typed, enrolments, login)
  if (hashes.length > 0) return authenticated(user, { kind: 'recovery', subject, hashes })
  return askAgain(user, refuse('wrong_code', 'wrong code'), login, answer.outside)
}

/** One for each authenticator that may have come with the code. */
function scratchCodeHashes(
  typed: string,
  enrolments: readonly Enrolment[],
  { options: { keys } }: Login,
): readonly string[] {
  return enrolments
    .filter((each) => isScratchCode(typed, each))
    .map(({ sealedSeed, subject }) => scratchCodeHash(keys.open(sealedSeed, subject), subject, typed))
}
