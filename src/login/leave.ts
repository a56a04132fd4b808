import type { Clock } from '../domain/clock.ts'
import type { InvitationStore } from '../domain/invitation.ts'
import { invitationHash } from '../domain/invitation.ts'
import type { Secret } from '../domain/secret.ts'
import type { EnrolmentCodes } from './enrolment-codes.ts'

/** Leave to enrol an authenticator, and for nothing else. */
export interface Leave {
  /** `Person.subject`. */
  readonly subject: string
  /** Whether the password of a VPN login was right a moment ago, or an administrator vouches. */
  readonly from: 'login' | 'invitation'
}

export interface LeaveOptions {
  readonly codes: Pick<EnrolmentCodes, 'redeem'>
  readonly invitations: Pick<InvitationStore, 'redeem'>
  readonly clock: Clock
}

/**
 * Spends the code, whichever of the two it is.
 * @param user stem; @param subjects what the name may turn out to be. @throws Unavailable
 */
export async function redeemLeave(
  user: string,
  subjects: readonly string[],
  typed: Secret,
  { codes, invitations, clock }: LeaveOptions,
): Promise<Leave | undefined> {
  const [code, invitation] = await Promise.all([
    codes.redeem(user, typed),
    invitations.redeem(invitationHash(typed.reveal()), subjects, clock.now()),
  ])
  if (code !== undefined) return { subject: code.subject, from: 'login' }
  return invitation === undefined ? undefined : { subject: invitation.subject, from: 'invitation' }
}
