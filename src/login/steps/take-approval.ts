import { type ApprovalPlace, FETCH_WITHIN_MS } from '../../domain/approval.ts'
import type { AwaitedApproval } from '../../domain/challenge.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { Policy } from '../../domain/policy.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import { type AskForCode, askToApprove } from '../ask-for-code.ts'
import type { ApprovalAtLogin, Login } from '../login.ts'
import type { GovernedUser } from './find-policy.ts'
import type { TrustedUser } from './recognise-trust.ts'

let approved: (user: GovernedUser, passkey: string) => ApprovedUser

/**
 * A user who has approved this very login with a passkey. Only this file can make one, from an approval that it has taken
 * out of the store, where nobody finds it again.
 */
export class ApprovedUser {
  readonly kind = 'approved'
  readonly user: GovernedUser
  /** Identifier of the passkey, which a later step spends: it may have been removed by then. */
  readonly passkey: string

  private constructor(user: GovernedUser, passkey: string) {
    this.user = user
    this.passkey = passkey
  }

  static {
    approved = (user, passkey) => new ApprovedUser(user, passkey)
  }
}

/**
 * Answers before the approval that are asked again. With the wrong codes of a login they stay below ocserv's sixteenth
 * stage, at which it ends the login.
 */
const MAX_EARLY = 4

/**
 * Has the user approved the login with a passkey? Where the policy wants that of a user who has one, the login is put
 * before the user, and the prompt is answered by Enter when it is approved. Users without a passkey go on to the code, and
 * so do those who type one where that is enough.
 */
export function takeApproval(
  user: GovernedUser | TrustedUser,
  login: Login,
): GovernedUser | TrustedUser | Promise<GovernedUser | ApprovedUser | AskForCode | Refusal> {
  const { approval } = login.options
  if (user.kind === 'trusted') return user
  const { asked, approval: awaited, code } = user.enrolled.verified
  const wish = wishOf(user.choice.policy, login)
  if (awaited !== undefined) return answerTo(awaited, user, login, approval)
  if (approval === undefined || wish === 'code') return user
  // A code is shown, or was asked for: where it is enough, it is checked.
  if (wish === 'either' && (code !== undefined || asked !== undefined)) return user
  return putBeforeUser(user, login, approval)
}

type Wish = 'code' | 'either' | 'approval'

function wishOf(policy: Policy | undefined, { rules }: Login): Wish {
  const mode = policy?.secondFactorMode ?? rules.mode
  return mode === 'approve' ? 'approval' : mode === 'either' ? 'either' : 'code'
}

/** Whether a code that is typed at the prompt counts. */
function takesCode({ choice: { policy }, enrolled }: GovernedUser, login: Login): boolean {
  return enrolled.enrolments.length > 0 && wishOf(policy, login) !== 'approval'
}

async function putBeforeUser(
  user: GovernedUser,
  login: Login,
  { page, approvals }: ApprovalAtLogin,
): Promise<GovernedUser | AskForCode | Refusal> {
  const byCode = takesCode(user, login)
  try {
    if (!(await login.options.hasPasskey(user.enrolled.verified.person.subject))) return user
    const request = await approvals.ask(placeOf(user, login))
    if (typeof request !== 'string') {
      const { id, number } = request
      const { notice } = user.enrolled.verified.person
      const told = notice?.isTold ? { notice } : {}
      const prompt = { kind: 'approve', page, number, takesCode: byCode, ...told } as const
      const ttlMs = approvals.ttlMs + FETCH_WITHIN_MS
      return askToApprove(user.enrolled, login, { id, number, early: 0 }, prompt, ttlMs)
    }
    return byCode ? user : refuse('not_approved', NOT_ASKED[request])
  } catch (outage) {
    // A code needs no more than it did before there were passkeys.
    if (!byCode || !(outage instanceof Unavailable)) throw outage
    return user
  }
}

const NOT_ASKED = {
  another_waits: 'another login of the user waits for approval',
  too_many: 'the user was asked to approve too often, and did not',
} as const

function placeOf({ enrolled }: GovernedUser, { attempt, user }: Login): ApprovalPlace {
  const { subject, source } = enrolled.verified.person
  const { gateway, address, client } = attempt
  return { subject, source, user, gateway, address, client }
}

/** The answer to a prompt that asked for an approval. */
async function answerTo(
  awaited: AwaitedApproval,
  user: GovernedUser,
  login: Login,
  approval: ApprovalAtLogin | undefined,
): Promise<GovernedUser | ApprovedUser | AskForCode | Refusal> {
  if (approval === undefined) return refuse('not_approved', 'logins are not approved any more')
  const { page, approvals } = approval
  const byCode = takesCode(user, login)
  if (byCode && !isEnter(user.enrolled.verified.code?.reveal() ?? '')) {
    await approvals.withdraw(awaited.id)
    return user
  }
  const answer = await approvals.fetch(awaited.id)
  if (answer === 'pending') {
    const { id, number } = awaited
    const early = awaited.early + 1
    if (early > MAX_EARLY) {
      await approvals.withdraw(id)
      return refuse('not_approved', `answered ${early} times before it was approved`)
    }
    const triesLeft = MAX_EARLY + 1 - early
    const prompt = { kind: 'approve', page, number, takesCode: byCode, triesLeft } as const
    const ttlMs = approvals.ttlMs + FETCH_WITHIN_MS
    return askToApprove(user.enrolled, login, { id, number, early }, prompt, ttlMs)
  }
  switch (answer?.kind) {
    case undefined:
      return refuse('not_approved', 'nobody approved it in time')
    // Counted when the user answered: the client need not come back.
    case 'disowned':
      return refuse('not_approved', 'the user says that it is somebody else')
    case 'wrong_number':
      return refuse('not_approved', 'a wrong number was chosen')
    case 'approved': {
      const { gateway, address, subject, source } = placeOf(user, login)
      const { request } = answer
      const isSame =
        request.subject === subject &&
        request.source === source &&
        request.gateway === gateway &&
        request.address === address
      return isSame
        ? approved(user, answer.passkey)
        : refuse('not_approved', 'the approval was for another login')
    }
  }
}

/** Clients that send no empty answer are told to type ok. */
function isEnter(typed: string): boolean {
  return ['', 'ok'].includes(typed.trim().toLowerCase())
}
