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

export interface TermsOptions {
  readonly policies: readonly Policy[]
  /** @returns why no reply can carry it; undefined where one can. */
  readonly replyFault: (entitlement: Entitlement) => string | undefined
}

/**
 * What may the user do? The first policy that applies says it; where none does, the answer is no. It is no as well where
 * no reply could say it: found out behind the grant, that would be silence, and the code would be spent.
 */
export function chooseTerms(
  attempt: Attempt,
  { person }: Proof,
  { policies, replyFault }: TermsOptions,
): Terms | Refusal {
  const policy = choosePolicy(policies, person, attempt.gateway, attempt.address)
  if (policy === undefined) return refuse('no_policy', 'no policy applies')
  if (policy.reply === undefined) return refuse('no_policy', `policy ${policy.name} refuses`)
  const entitlement = entitle(policy.reply, person.attributes)
  const fault = replyFault(entitlement)
  if (fault !== undefined)
    return refuse('no_policy', `policy ${policy.name} with the user’s own attributes: ${fault}`)
  return { kind: 'terms', policy: policy.name, entitlement }
}
