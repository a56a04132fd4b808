import { choosePolicy, type PolicyChoice } from '../../domain/policy.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { refusalOf } from '../authorize-person.ts'
import type { Login } from '../login.ts'
import type { EnrolledUser } from './load-enrolment.ts'

/** A user whose first factor was right, with the policy that the rest of the login goes by. */
export interface GovernedUser {
  readonly kind: 'governed'
  readonly enrolled: EnrolledUser
  readonly choice: PolicyChoice
}

/**
 * Which policy applies? It is chosen once, before the second factor, which it may demand or waive; and it is held against
 * the time of this request alone. A policy that refuses is told only after the second factor, so that a stolen password
 * does not show what its user may do; a user who has no authenticator, and so cannot get any further, is told now.
 */
export function findPolicy(enrolled: EnrolledUser, login: Login): GovernedUser | Refusal {
  const { attempt, options, rules } = login
  const { person } = enrolled.verified
  const { gateway, address, client } = attempt
  const choice = choosePolicy(options.policies, {
    person,
    gateway,
    address,
    client,
    at: options.clock.now(),
    enrolled: enrolled.enrolments.length > 0,
  })
  const refuses = choice.policy !== undefined && choice.policy.reply === undefined
  if (refuses && enrolled.enrolments.length === 0 && rules.mode !== 'only') {
    const refusal = refusalOf(choice)
    if (refusal !== undefined) return refusal
  }
  return { kind: 'governed', enrolled, choice }
}
