import type { Enrolment } from '../../domain/enrolment.ts'
import type { Login } from '../login.ts'
import type { VerifiedUser } from './first-factor.ts'
import { enrolmentOf } from './load-context.ts'

/** A verified user with the authenticator, where there is one. */
export interface EnrolledUser {
  readonly kind: 'enrolled'
  readonly verified: VerifiedUser
  readonly enrolment: Enrolment | undefined
  /** As `Trust.sealedPasswordHash`, where this login may make a trust. */
  readonly sealedPasswordHash: string | undefined
}

/** Finds the user's authenticator. */
export function loadEnrolment(verified: VerifiedUser, login: Login): EnrolledUser {
  login.decidedAt = 'code'
  const { context, person, sealedPasswordHash } = verified
  return { kind: 'enrolled', verified, enrolment: enrolmentOf(context, person.subject), sealedPasswordHash }
}
