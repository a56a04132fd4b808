import type { Refusal } from '../../domain/refusal.ts'
import { authorizePerson, type PersonAuthorization } from '../authorize-person.ts'
import type { Login } from '../login.ts'
import type { AuthenticatedUser, QualifiedUser } from './second-factor.ts'
import { type NewTrust, trustEarnedBy } from './trust-earned.ts'

/** What a policy gives this user. */
export interface Authorization extends Omit<PersonAuthorization, 'kind'> {
  readonly kind: 'authorization'
  readonly user: AuthenticatedUser
  /** What this login is trusted for from now on; absent where it is not. */
  readonly trust: NewTrust | undefined
}

/** What may the user do, by the policy that was chosen? */
export function authorize(qualified: QualifiedUser, login: Login): Authorization | Refusal {
  const { governed, authenticated: user } = qualified
  const authorized = authorizePerson(user.person, governed.choice, login.attempt.gateway, login.options)
  if (authorized.kind === 'refusal') return authorized
  return { ...authorized, kind: 'authorization', user, trust: trustEarnedBy(qualified, login) }
}
