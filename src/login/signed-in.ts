import { type Attempt, eventOf } from '../domain/attempt.ts'
import type { Claim } from '../domain/login-records.ts'
import { type Person, Unavailable } from '../domain/person.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Background } from './background.ts'
import { type GrantOptions, notAdmitted } from './grant.ts'
import type { Leave } from './leave.ts'
import type { Proof } from './second-factor.ts'

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

/** Spends the code where there is one, and notes who came in. */
export async function enter(
  attempt: Attempt,
  background: Background,
  { person, claim }: Proof,
  options: GrantOptions,
): Promise<SignedIn | Refusal> {
  const refused = await record(attempt, background, person, claim, options)
  return refused ?? signedIn(person, claim.kind === 'none' ? 1 : 2)
}

/** For somebody who has no more than leave to enrol. */
export async function enterByLeave(
  attempt: Attempt,
  background: Background,
  { subject, from }: Leave,
  options: GrantOptions,
): Promise<SignedIn | Refusal> {
  const person = { subject, source: `leave by ${from}`, groups: [], attributes: {} }
  const refused = await record(attempt, background, person, { kind: 'none' }, options)
  return refused ?? signedIn(person, 1, from)
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
