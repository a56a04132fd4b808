import { invitationHash } from '../../domain/invitation.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { Login } from '../login.ts'
import { accountIn } from './first-factor.ts'
import type { LoginContext } from './load-context.ts'

/** Permission to enrol an authenticator, and for nothing else. */
export interface EnrolmentTicket {
  readonly kind: 'ticket'
  readonly context: LoginContext
  /** `Person.subject`. */
  readonly subject: string
  /** Whether the password of a VPN login was right a moment ago, or an administrator vouches for the user. */
  readonly from: 'login' | 'invitation'
}

/** Spends the typed code: the short one of a VPN prompt or an administrator's invitation. @throws Unavailable */
export async function redeemTicket(context: LoginContext, login: Login): Promise<EnrolmentTicket | Refusal> {
  const { enrolmentCodes, invitations, enrolsByPassword, hasPasskey, clock } = login.options
  const { typed } = login.attempt
  const { user, subjects } = context.query
  login.decidedAt = 'ticket'
  // The code is for one of several users of the name, and a wrong one does not tell for which.
  const [candidate, ...others] = context.candidates
  if (candidate !== undefined && others.length === 0) login.account = accountIn(candidate)
  const hash = invitationHash(typed.reveal())
  const [code, invitation] = await Promise.all([
    enrolmentCodes.redeem(user, typed),
    invitations.redeem(hash, subjects, clock.now()),
  ])
  // Its prompt was shown for a password alone, before the configuration was changed.
  if (code !== undefined && !enrolsByPassword)
    return refuse('no_second_factor', 'an authenticator is enrolled by invitation only')
  if (code !== undefined && (await hasPasskey(code.subject)))
    return refuse('passkey_needed', 'the user has passkeys and no authenticator')
  if (code !== undefined) return { kind: 'ticket', context, subject: code.subject, from: 'login' }
  if (invitation !== undefined)
    return { kind: 'ticket', context, subject: invitation.subject, from: 'invitation' }
  const end = await invitations.endOf(hash, subjects)
  if (end === 'expired')
    return { ...refuse('bad_credentials', 'the invitation has expired'), invitation: end }
  if (end === 'used')
    return { ...refuse('bad_credentials', 'the invitation was used before'), invitation: end }
  return refuse('bad_credentials', 'no such enrolment code, or it was used or is too old')
}
