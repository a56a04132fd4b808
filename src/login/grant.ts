import { keptMs } from '../domain/address-pool.ts'
import { type Attempt, eventOf } from '../domain/attempt.ts'
import type { Clock } from '../domain/clock.ts'
import type { AdmissionAnswer, Claim, LoginStore } from '../domain/login-records.ts'
import { Unavailable } from '../domain/person.ts'
import { type Entitlement, withAddress } from '../domain/policy.ts'
import type { Randomness } from '../domain/random.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Session } from '../domain/session.ts'
import { type Background, refusedByLock } from './background.ts'
import type { SameAnswer } from './same-answer.ts'
import type { Proof } from './second-factor.ts'
import type { Terms } from './terms.ts'

let grant: (policy: string, entitlement: Entitlement, session: string) => Grant

/** Leave to enter. Only this file can make one, after the records hold it; an Access-Accept takes nothing else. */
export class Grant {
  readonly kind = 'grant'
  readonly policy: string
  readonly entitlement: Entitlement
  /** Identifier of the session's record. */
  readonly session: string

  private constructor(policy: string, entitlement: Entitlement, session: string) {
    this.policy = policy
    this.entitlement = entitlement
    this.session = session
  }

  static {
    grant = (policy, entitlement, session) => new Grant(policy, entitlement, session)
  }
}

export interface GrantOptions {
  readonly records: Pick<LoginStore, 'admit'>
  readonly clock: Clock
  readonly random: Randomness
  /** Absent: a code works once, and a question that comes again is refused. */
  readonly sameAnswer?: SameAnswer
}

/**
 * Spends the code, leases an address and opens the session, in one transaction: of any number of logins with one code,
 * one gets in, and no two get one address.
 */
export async function admit(
  attempt: Attempt,
  background: Background,
  proof: Proof,
  terms: Terms,
  { records, clock, random, sameAnswer }: GrantOptions,
): Promise<Grant | Refusal> {
  // The gateway has been answered by now: a code spent here would be spent for nothing.
  if (clock.monotonic() >= attempt.deadline)
    throw new Unavailable('login', 'the deadline passed before the grant')
  const { policy, lease } = terms
  const now = clock.now()
  const session = openSession(attempt, proof, terms, random.id(), now)
  const detail = `policy ${policy}, ${proof.person.source}, ${proof.claim.kind}`
  const event = eventOf(attempt, 'login.accepted', { detail }, { clock, random })
  const answer = await records.admit({
    query: { ...background.query, now },
    spared: background.spared,
    claim: proof.claim,
    session,
    lease,
    event,
  })
  if (answer.kind !== 'admitted') return notAdmitted(answer, proof.claim, now)
  const entitlement =
    answer.ipv4 === undefined ? terms.entitlement : withAddress(terms.entitlement, answer.ipv4)
  const enrolment = background.enrolmentOf(proof.person.subject)
  await sameAnswer?.remember(attempt, proof.claim, enrolment, { policy, entitlement, session: session.id })
  return grant(policy, entitlement, session.id)
}

/** The grant that the same question got a moment ago, and no new session. */
export async function grantAgain(
  attempt: Attempt,
  { sameAnswer }: Pick<GrantOptions, 'sameAnswer'>,
): Promise<Grant | undefined> {
  const recent = await sameAnswer?.find(attempt)
  return recent === undefined ? undefined : grant(recent.policy, recent.entitlement, recent.session)
}

/** What the records' no means. */
export function notAdmitted(
  answer: Exclude<AdmissionAnswer, { kind: 'admitted' }>,
  claim: Claim,
  now: number,
): Refusal {
  if (answer.kind === 'locked') return refusedByLock([answer.lock], now)
  if (answer.kind === 'no_address') return refuse('no_address', 'no address is free for the session')
  return claim.kind === 'recovery'
    ? refuse('wrong_code', 'no such recovery code, or it was used')
    : refuse('code_used', 'another login spent the code at the same moment')
}

function openSession(attempt: Attempt, { person }: Proof, terms: Terms, id: string, now: number): Session {
  const { ipv4, ipv6, interim } = terms.entitlement
  return {
    id,
    gateway: attempt.gateway,
    user: attempt.name.sent,
    subject: person.subject,
    policy: terms.policy,
    grantedAt: now,
    updatedAt: now,
    keptMs: terms.lease?.keptMs ?? (interim && keptMs(interim)),
    address: attempt.address,
    acctSession: attempt.session,
    client: attempt.client,
    ipv4,
    ipv6,
    seconds: 0,
    octetsIn: 0,
    octetsOut: 0,
  }
}
