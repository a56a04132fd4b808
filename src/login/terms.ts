import type { Attempt } from '../domain/attempt.ts'
import { choosePolicy, type Entitlement, entitle, type Policy } from '../domain/policy.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Proof } from './second-factor.ts'

/** What a policy gives this user. */
export interface Terms {
  readonly kind: 'terms'
  readonly policy: string
  readonly entitlement: Entitlement
}

/** What may the user do? The first policy that applies says it; where none does, the answer is no. */
export function chooseTerms(
  attempt: Attempt,
  { person }: Proof,
  policies: readonly Policy[],
): Terms | Refusal {
  const policy = choosePolicy(policies, person, attempt.gateway, attempt.address)
  if (policy === undefined) return refuse('no_policy', 'no policy applies')
  if (policy.reply === undefined) return refuse('no_policy', `policy ${policy.name} refuses`)
  return { kind: 'terms', policy: policy.name, entitlement: entitle(policy.reply, person.attributes) }
}
