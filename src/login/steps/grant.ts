import { noticeWords } from '../../domain/account-state.ts'
import { staleAfterMs } from '../../domain/address-pool.ts'
import { Unavailable } from '../../domain/errors.ts'
import { graceWords } from '../../domain/grace.ts'
import type { AdmissionAnswer, CodeUse } from '../../domain/login-records.ts'
import { type Entitlement, withAddresses } from '../../domain/policy.ts'
import { type Refusal, refuse, refuseSession } from '../../domain/refusal.ts'
import type { Session } from '../../domain/session.ts'
import type { Trust } from '../../domain/trust.ts'
import { type AskForCode, askAgain } from '../ask-for-code.ts'
import type { Login } from '../login.ts'
import type { Authorization } from './authorize.ts'
import { refusedByLock } from './load-context.ts'
import type { Verdict } from './record-outcome.ts'
import type { NewTrust } from './trust-earned.ts'

type Waiver = 'trust' | 'grace'

let grant: (policy: string, entitlement: Entitlement, session: string, waivedBy?: Waiver) => Grant

/** Permission to connect. Only this file can make one, after the records hold it; an Access-Accept takes nothing else. */
export class Grant {
  readonly kind = 'grant'
  readonly policy: string
  readonly entitlement: Entitlement
  /** Identifier of the session's record. */
  readonly session: string
  /** Why no second factor was needed where one is required: such a login takes no failures back. */
  readonly waivedBy: Waiver | undefined

  private constructor(policy: string, entitlement: Entitlement, session: string, waivedBy?: Waiver) {
    this.policy = policy
    this.entitlement = entitlement
    this.session = session
    this.waivedBy = waivedBy
  }

  static {
    grant = (...parts) => new Grant(...parts)
  }
}

/**
 * Spends the code, leases the addresses and opens the session, in one transaction: of any number of logins with one
 * code, one gets in, and no two get one address.
 */
export async function openSession(
  authorization: Authorization,
  login: Login,
): Promise<Grant | AskForCode | Refusal> {
  const { attempt } = login
  const { records, clock, random, grantReplay } = login.options
  // The gateway has been answered by now: a code spent here would be wasted.
  if (clock.monotonic() >= attempt.deadline)
    throw new Unavailable('login', 'the deadline passed before the grant')
  const { policy, entitlement, sessionLimit, lease, lease6, user, trust } = authorization
  const { codeUse, person } = user
  const { context } = user.user.verified
  const now = clock.now()
  const session = sessionOf(authorization, login, random.id(), now)
  login.admission = {
    query: { ...context.query, now },
    // A password alone takes no failures back where a second factor is demanded.
    forgives: waiverOf(codeUse) === undefined,
    isExempt: login.isExempt,
    codeUse,
    session,
    sessionLimit,
    lease,
    lease6,
    trust: trust && newTrust(trust, random.id(), now),
    event: login.event('login.accepted', {
      reason: WAIVED[codeUse.kind as Waiver] ?? (trust && 'trust_made'),
      detail: `policy ${policy}, ${person.source}, ${useWords(codeUse)}${trustWords(trust)}${noticeWords(person.notice)}`,
    }),
  }
  const answer = await records.admit(login.admission)
  if (answer.kind !== 'admitted') login.admission = undefined
  // Another login spent the code, or it is no recovery code: only the records could tell that it is wrong.
  if (answer.kind !== 'admitted') {
    const refusal = notAdmitted(answer, codeUse, now)
    // The approval is spent, and a code would not stand for it.
    return codeUse.kind === 'approval' ? refusal : askAgain(user.user, refusal, login)
  }
  if (attempt.signal?.aborted) throw new Unavailable('login', 'the deadline passed during the grant')
  // From here on the same request may be granted this session again.
  login.admission = undefined
  const granted =
    (lease ?? lease6) === undefined
      ? entitlement
      : withAddresses(entitlement, { ipv4: answer.ipv4, ipv6: entitlement.ipv6 ?? answer.ipv6 })
  const recent = { policy, entitlement: granted, session: session.id }
  await grantReplay?.remember(attempt, codeUse, user.user.enrolments, recent)
  return grant(policy, granted, session.id, waiverOf(codeUse))
}

/** A repeated request whose code is spent gets the grant of a moment ago, and no new session. */
export function replayGrant(verdict: Verdict, login: Login): Verdict | Promise<Verdict> {
  const { grantReplay } = login.options
  return grantReplay === undefined || !isSpent(verdict)
    ? verdict
    : grantReplay.find(login.attempt).then((recent) => {
        if (recent === undefined) return verdict
        const detail = `the same answer again: session ${recent.session}`
        login.auditAsync('login.accepted', { detail })
        return grant(recent.policy, recent.entitlement, recent.session)
      })
}

/** Whether what was shown would have been right, had it not been shown before. */
function isSpent(verdict: Verdict): boolean {
  const refusal = verdict.kind === 'ask' ? verdict.failure : verdict
  return (
    refusal?.kind === 'refusal' && (refusal.reason === 'code_used' || refusal.reason === 'challenge_expired')
  )
}

/** The refusal that follows from the records' answer. */
export function notAdmitted(
  answer: Exclude<AdmissionAnswer, { kind: 'admitted' }>,
  codeUse: CodeUse,
  now: number,
): Refusal {
  if (answer.kind === 'locked') return refusedByLock([answer.lock], now)
  if (answer.kind === 'too_many_sessions') return refuseSession(answer.live)
  if (answer.kind === 'no_address') return refuse('no_address', 'no address is free for the session')
  if (codeUse.kind === 'trust')
    return refuse('challenge_expired', 'the trust ended while the login was decided')
  if (codeUse.kind === 'approval') return refuse('not_approved', 'the passkey that approved it was removed')
  if (codeUse.kind === 'grace')
    return refuse('no_second_factor', 'the grace is used up, or an authenticator was enrolled meanwhile')
  return codeUse.kind === 'recovery'
    ? refuse('wrong_code', 'no such recovery code, or it was used')
    : refuse('code_used', 'another login spent the code at the same moment')
}

const WAIVED: Readonly<Record<Waiver, string>> = { trust: 'trust_used', grace: 'grace_used' }

function waiverOf({ kind }: CodeUse): Waiver | undefined {
  return kind === 'trust' || kind === 'grace' ? kind : undefined
}

function useWords(codeUse: CodeUse): string {
  if (codeUse.kind !== 'grace') return codeUse.kind
  const { left } = codeUse
  return `let in by grace, ${graceWords(left.kind === 'logins' ? { ...left, left: left.left - 1 } : left)}`
}

function trustWords(trust: NewTrust | undefined): string {
  return trust === undefined ? '' : `, trusted in ${trust.network} from now on`
}

function newTrust({ trustMs, ...bound }: NewTrust, id: string, madeAt: number): Trust {
  return { ...bound, id, madeAt, expiresAt: madeAt + trustMs, uses: 0 }
}

function sessionOf(
  { user, policy, entitlement, lease, lease6 }: Authorization,
  { attempt }: Login,
  id: string,
  now: number,
): Session {
  const { ipv4, ipv6, interim } = entitlement
  return {
    id,
    gateway: attempt.gateway,
    user: attempt.name.raw,
    subject: user.person.subject,
    policy,
    grantedAt: now,
    updatedAt: now,
    staleAfterMs: longest(lease?.staleAfterMs, lease6?.staleAfterMs) ?? (interim && staleAfterMs(interim)),
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

function longest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}
