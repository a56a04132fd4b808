import type { Attempt } from '../domain/attempt.ts'
import type { LoginName } from '../domain/login-name.ts'
import type { Candidate, Person } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { AskForCode, Challenge } from './ask-for-code.ts'
import { type BackgroundOptions, lookUp, withEnrolmentOf } from './background.ts'
import { type Effort, evenly } from './effort.ts'
import { type FirstFactorOptions, firstFactor, stillVerified } from './first-factor.ts'
import type { GrantOptions } from './grant.ts'
import { type LeaveOptions, redeemLeave } from './leave.ts'
import type { Pace } from './pace.ts'
import { askAgain, type SecondFactorOptions, secondFactor } from './second-factor.ts'
import { enter, enterByLeave, type SignedIn } from './signed-in.ts'
import { type UnderLimitsOptions, underLimits } from './under-limits.ts'

/** The name under which the broker's own pages stand where a gateway's would: in limits, challenges and the audit trail. */
export const PORTAL = 'portal'

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
  return underLimits(attempt, options, (permit) =>
    evenly(attempt, { pace: options.pace, checksPasswords: true, permit }, (effort) =>
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
  return underLimits(attempt, options, (permit) =>
    evenly(attempt, { pace: options.pace, checksPasswords: false, permit }, async (effort) => {
      const background = await lookUp(attempt, effort, options.background)
      if (background.kind === 'refusal') return background
      effort.decidedAt = 'leave'
      const { user, subjects } = background.query
      const leave = await redeemLeave(user, subjects, attempt.typed, options.leave)
      if (leave === undefined)
        return refuse('bad_credentials', 'no such enrolment code, or it was used or is too old')
      return enterByLeave(attempt, background, leave, options.grant)
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
  return underLimits(attempt, options, (permit) =>
    evenly(attempt, { pace: options.pace, checksPasswords: false, permit }, async (effort) => {
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
