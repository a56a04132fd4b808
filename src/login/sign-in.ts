import { type Attempt, eventOf } from '../domain/attempt.ts'
import type { LoginName } from '../domain/login-name.ts'
import type { Claim } from '../domain/login-records.ts'
import { type Candidate, type Person, Unavailable } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { AskForCode, Challenge } from './ask-for-code.ts'
import { type Background, type BackgroundOptions, lookUp, withEnrolmentOf } from './background.ts'
import { type Effort, evenly } from './effort.ts'
import { type FirstFactorOptions, firstFactor, stillVerified } from './first-factor.ts'
import { type GrantOptions, notAdmitted } from './grant.ts'
import { type Leave, type LeaveOptions, redeemLeave } from './leave.ts'
import type { Pace } from './pace.ts'
import { askAgain, type Proof, type SecondFactorOptions, secondFactor } from './second-factor.ts'
import { type UnderLimitsOptions, underLimits } from './under-limits.ts'

/** The name under which the broker's own pages stand where a gateway's would: in limits, challenges and the audit trail. */
export const PORTAL = 'portal'

let signedIn: (person: Person, factors: 1 | 2, leave?: Leave['from']) => SignedIn

/** Leave to use the pages. Only this file can make one, after the records hold it. */
export class SignedIn {
  readonly kind = 'signed_in'
  readonly person: Person
  /** 1: there is no authenticator yet, and the person may enrol one. 2: its code was right. */
  readonly factors: 1 | 2
  /** Present: the person may enrol an authenticator and do nothing else. */
  readonly leave: Leave['from'] | undefined

  private constructor(person: Person, factors: 1 | 2, leave?: Leave['from']) {
    this.person = person
    this.factors = factors
    this.leave = leave
  }

  static {
    signedIn = (person, factors, leave) => new SignedIn(person, factors, leave)
  }
}

export interface SignInOptions extends UnderLimitsOptions {
  readonly background: Omit<BackgroundOptions, 'candidates'> & {
    /** Whichever gateway's users a store is for: here all of them come. */
    readonly candidates: (name: LoginName) => readonly Candidate[]
  }
  readonly firstFactor: Omit<FirstFactorOptions, 'mode' | 'isCodeNow'>
  readonly secondFactor: Omit<SecondFactorOptions, 'mode' | 'required' | 'enrolAtLogin'>
  readonly grant: GrantOptions
  readonly pace: Pace
}

/**
 * The way of a sign-in at the broker's own pages: that of a login with neither a policy nor a session. A page can
 * always ask for the code by itself, so the mode is `challenge` whatever the gateways' is.
 * @param attempt its gateway is `PORTAL`.
 */
export function signIn(attempt: Attempt, options: SignInOptions): Promise<SignedIn | Challenge | Refusal> {
  return underLimits(attempt, options, () =>
    evenly(attempt, { pace: options.pace, checksPasswords: true }, (effort) =>
      judge(attempt, effort, options),
    ),
  )
}

async function judge(
  attempt: Attempt,
  effort: Effort,
  options: SignInOptions,
): Promise<SignedIn | AskForCode | Refusal> {
  const before = await lookUp(attempt, effort, options.background)
  if (before.kind === 'refusal') return before

  const asPage = { mode: 'challenge', isCodeNow: () => false } as const
  const user = await firstFactor(attempt, before, effort, { ...options.firstFactor, ...asPage })
  if (user.kind !== 'verified') return user
  effort.decidedAt = 'code'
  const background = await withEnrolmentOf(before, user.person.subject, options.background)

  const second = {
    ...options.secondFactor,
    mode: 'challenge',
    required: false,
    enrolAtLogin: undefined,
  } as const
  const proof = secondFactor(attempt, background, user, second)
  if (proof.kind !== 'proof') return proof

  const entered = await enter(attempt, background, proof, options.grant)
  if (entered.kind === 'refusal' && entered.counts)
    return askAgain(attempt, background, user, entered, second)
  return entered
}

/**
 * The way in for somebody who comes to enrol an authenticator, by the short code of a VPN prompt or an
 * administrator's invitation. A wrong code counts as a wrong password does.
 * @param attempt what was typed is the code.
 */
export function signInByLeave(
  attempt: Attempt,
  options: SignInOptions & { readonly leave: LeaveOptions },
): Promise<SignedIn | Challenge | Refusal> {
  return underLimits(attempt, options, () =>
    evenly(attempt, { pace: options.pace, checksPasswords: false }, async (effort) => {
      const background = await lookUp(attempt, effort, options.background)
      if (background.kind === 'refusal') return background
      effort.decidedAt = 'leave'
      const { user, subjects } = background.query
      const leave = await redeemLeave(user, subjects, attempt.typed, options.leave)
      if (leave === undefined)
        return refuse('bad_credentials', 'no such enrolment code, or it was used or is too old')
      const person = { subject: leave.subject, source: `leave by ${leave.from}`, groups: [], attributes: {} }
      const refused = await record(attempt, background, person, { kind: 'none' }, options.grant)
      return refused ?? signedIn(person, 1, leave.from)
    }),
  )
}

/**
 * Somebody who is signed in shows the present code or a recovery code once more, before what needs it.
 * @param attempt what was typed is the code; @param person who is signed in.
 */
export function signInAgain(
  attempt: Attempt,
  person: Person,
  options: SignInOptions,
): Promise<SignedIn | Challenge | Refusal> {
  return underLimits(attempt, options, () =>
    evenly(attempt, { pace: options.pace, checksPasswords: false }, async (effort) => {
      const before = await lookUp(attempt, effort, options.background)
      if (before.kind === 'refusal') return before
      effort.decidedAt = 'code'
      const background = await withEnrolmentOf(before, person.subject, options.background)
      const user = stillVerified(person, attempt.typed)
      const second = {
        ...options.secondFactor,
        mode: 'challenge',
        required: true,
        enrolAtLogin: undefined,
      } as const
      const proof = secondFactor(attempt, background, user, second)
      return proof.kind === 'proof' ? enter(attempt, background, proof, options.grant) : proof
    }),
  )
}

async function enter(
  attempt: Attempt,
  background: Background,
  { person, claim }: Proof,
  options: GrantOptions,
): Promise<SignedIn | Refusal> {
  const refused = await record(attempt, background, person, claim, options)
  return refused ?? signedIn(person, claim.kind === 'none' ? 1 : 2)
}

/**
 * Spends the code, in the same transaction as the event: of any number of sign-ins with one code, one gets in.
 * @returns the records' no, or undefined.
 */
async function record(
  attempt: Attempt,
  background: Background,
  { source }: Person,
  claim: Claim,
  { records, clock, random }: GrantOptions,
): Promise<Refusal | undefined> {
  if (clock.monotonic() >= attempt.deadline)
    throw new Unavailable('sign-in', 'the deadline passed before the end')
  const now = clock.now()
  const event = eventOf(
    attempt,
    'login.accepted',
    { detail: `signed in, ${source}, ${claim.kind}` },
    { clock, random },
  )
  const answer = await records.admit({
    query: { ...background.query, now },
    spared: background.spared,
    claim,
    event,
  })
  return answer.kind === 'admitted' ? undefined : notAdmitted(answer, claim, now)
}
