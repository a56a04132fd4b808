import { type Attempt, eventOf } from '../domain/attempt.ts'
import { type Person, Unavailable } from '../domain/person.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Background, type BackgroundOptions, lookUp } from './background.ts'
import type { AskForCode, Challenge } from './decision.ts'
import { type FirstFactorOptions, firstFactor } from './first-factor.ts'
import { type GrantOptions, notAdmitted } from './grant.ts'
import { askAgain, type Proof, type SecondFactorOptions, secondFactor } from './second-factor.ts'
import { type UnderLimitsOptions, underLimits } from './under-limits.ts'

/** The name under which the broker's own pages stand where a gateway's would: in limits, challenges and the audit trail. */
export const PORTAL = 'portal'

let signedIn: (person: Person, factors: 1 | 2) => SignedIn

/** Leave to use the pages. Only this file can make one, after the records hold it. */
export class SignedIn {
  readonly kind = 'signed_in'
  readonly person: Person
  /** 1: there is no authenticator yet, and the person may enrol one. 2: its code was right. */
  readonly factors: 1 | 2

  private constructor(person: Person, factors: 1 | 2) {
    this.person = person
    this.factors = factors
  }

  static {
    signedIn = (person, factors) => new SignedIn(person, factors)
  }
}

export interface SignInOptions extends UnderLimitsOptions {
  readonly background: BackgroundOptions
  readonly firstFactor: Omit<FirstFactorOptions, 'mode' | 'isCodeNow'>
  readonly secondFactor: Omit<SecondFactorOptions, 'mode' | 'required'>
  readonly grant: GrantOptions
}

/**
 * The way of a sign-in at the broker's own pages: that of a login with neither a policy nor a session. A page can
 * always ask for the code by itself, so the mode is `challenge` whatever the gateways' is.
 * @param attempt its gateway is `PORTAL`.
 */
export function signIn(attempt: Attempt, options: SignInOptions): Promise<SignedIn | Challenge | Refusal> {
  return underLimits(attempt, options, () => judge(attempt, options))
}

async function judge(attempt: Attempt, options: SignInOptions): Promise<SignedIn | AskForCode | Refusal> {
  const background = await lookUp(attempt, options.background)
  if (background.kind === 'refusal') return background

  const asPage = { mode: 'challenge', isCodeNow: () => false } as const
  const user = await firstFactor(attempt, background, { ...options.firstFactor, ...asPage })
  if (user.kind !== 'verified') return user

  const second = { ...options.secondFactor, mode: 'challenge', required: false } as const
  const proof = secondFactor(attempt, background, user, second)
  if (proof.kind !== 'proof') return proof

  const entered = await enter(attempt, background, proof, options.grant)
  if (entered.kind === 'refusal' && entered.counts) return askAgain(attempt, user, entered, second)
  return entered
}

/** Spends the code, in the same transaction as the event: of any number of sign-ins with one code, one gets in. */
async function enter(
  attempt: Attempt,
  background: Background,
  { person, claim }: Proof,
  { records, clock, random }: GrantOptions,
): Promise<SignedIn | Refusal> {
  if (clock.monotonic() >= attempt.deadline)
    throw new Unavailable('sign-in', 'the deadline passed before the end')
  const now = clock.now()
  const event = eventOf(
    attempt,
    'login.accepted',
    { detail: `signed in, ${person.source}, ${claim.kind}` },
    { clock, random },
  )
  const answer = await records.admit({ query: { ...background.query, now }, claim, event })
  return answer.kind === 'admitted'
    ? signedIn(person, claim.kind === 'none' ? 1 : 2)
    : notAdmitted(answer, claim, now)
}
