import type { Enrolment } from '../../domain/enrolment.ts'
import type { Login } from '../login.ts'
import type { VerifiedUser } from './first-factor.ts'
import { enrolmentsOf } from './load-context.ts'

/** A verified user with the authenticators whose codes count. */
export interface EnrolledUser {
  readonly kind: 'enrolled'
  readonly verified: VerifiedUser
  readonly enrolments: readonly Enrolment[]
  /** Whether there are passkeys instead; only looked for where there is no authenticator. */
  readonly hasPasskey: boolean
  /** As `Trust.sealedPasswordHash`, where this login may make a trust. */
  readonly sealedPasswordHash: string | undefined
}

/**
 * Finds the user's authenticators. A user who was asked for a code needs one of those that were there then and still are,
 * whatever an administrator or the user changed meanwhile.
 */
export function loadEnrolment(verified: VerifiedUser, login: Login): EnrolledUser | Promise<EnrolledUser> {
  login.decidedAt = 'code'
  const { context, person, sealedPasswordHash, asked = [] } = verified
  const present = enrolmentsOf(context, person.subject)
  const enrolments = asked.length === 0 ? present : present.filter(({ id }) => asked.includes(id))
  const user = { kind: 'enrolled', verified, enrolments, hasPasskey: false, sealedPasswordHash } as const
  return present.length === 0 ? withPasskeys(user, login) : user
}

async function withPasskeys(user: EnrolledUser, login: Login): Promise<EnrolledUser> {
  return { ...user, hasPasskey: await login.options.hasPasskey(user.verified.person.subject) }
}
