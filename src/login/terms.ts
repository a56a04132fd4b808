import { type AddressPool, keptMs, type LeaseWish, poolOf, USUAL_INTERIM } from '../domain/address-pool.ts'
import type { Attempt } from '../domain/attempt.ts'
import { choosePolicy, type Entitlement, entitle, type Policy, withAddress } from '../domain/policy.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Proof } from './second-factor.ts'

/** What a policy gives this user. */
export interface Terms {
  readonly kind: 'terms'
  readonly policy: string
  readonly entitlement: Entitlement
  /** The address that is to be the session's alone: any of a pool's, or the user's own that a pool could give as well. */
  readonly lease?: LeaseWish
}

export interface TermsOptions {
  readonly policies: readonly Policy[]
  readonly pools: readonly AddressPool[]
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
  { policies, pools, replyFault }: TermsOptions,
): Terms | Refusal {
  const policy = choosePolicy(policies, person, attempt.gateway, attempt.address)
  if (policy === undefined) return refuse('no_policy', 'no policy applies')
  if (policy.reply === undefined) return refuse('no_policy', `policy ${policy.name} refuses`)
  const entitlement = withOwnAddress(entitle(policy.reply, person.attributes))
  const fault = replyFault(withAnyAddress(entitlement))
  if (fault !== undefined)
    return refuse('no_policy', `policy ${policy.name} with the user’s own attributes: ${fault}`)
  const lease = leaseFor(entitlement, pools)
  // Without reports nobody knows when the address is free.
  const reporting =
    lease === undefined || entitlement.interim !== undefined
      ? entitlement
      : { ...entitlement, interim: USUAL_INTERIM }
  return { kind: 'terms', policy: policy.name, entitlement: reporting, lease }
}

/** Whoever has an address needs none of the pool's, but its mask where they are in the same network. */
function withOwnAddress(entitlement: Entitlement): Entitlement {
  const { pool, ipv4 } = entitlement
  return pool === undefined || ipv4 === undefined ? entitlement : withAddress(entitlement, ipv4)
}

/** By entitlement: policies' are the same objects at every login. */
const withAddresses = new WeakMap<Entitlement, Entitlement>()

/** All addresses are as long in a reply. */
function withAnyAddress(entitlement: Entitlement): Entitlement {
  const { pool } = entitlement
  if (pool === undefined) return entitlement
  const complete = withAddresses.get(entitlement) ?? withAddress(entitlement, pool.network.base.toString())
  withAddresses.set(entitlement, complete)
  return complete
}

function leaseFor(
  { pool, ipv4, interim }: Entitlement,
  pools: readonly AddressPool[],
): LeaseWish | undefined {
  const from = ipv4 === undefined ? pool : poolOf(pools, ipv4)
  return from && { pool: from.name, address: ipv4, keptMs: keptMs(interim ?? USUAL_INTERIM, from.holdMs) }
}
