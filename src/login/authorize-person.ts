import {
  type AddressPool,
  DEFAULT_INTERIM,
  type Family,
  type LeaseRequest,
  placeIn,
  poolKey,
  staleAfterMs,
} from '../domain/address-pool.ts'
import type { ClassForm } from '../domain/gateway.ts'
import type { Person } from '../domain/person.ts'
import {
  type Entitlement,
  entitle,
  neededOf,
  type Policy,
  type PolicyChoice,
  withAddresses,
  withAnyAddresses,
  withClassForm,
  withTimeLeft,
} from '../domain/policy.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { SessionLimit } from '../domain/session-limit.ts'

export interface AuthorizationRules {
  readonly policies: readonly Policy[]
  readonly pools: readonly AddressPool[]
  /** @returns why no reply can carry the entitlement; undefined where one can. */
  readonly replyFault: (entitlement: Entitlement) => string | undefined
  /** How the gateway of this name reads groups. */
  readonly classFormOf: (gateway: string) => ClassForm
}

/** @property policy that refuses; absent where none applies. */
export type Unauthorized = Refusal & { readonly policy?: string }

/** What a policy gives a person. */
export interface PersonAuthorization {
  readonly kind: 'authorized'
  readonly policy: string
  readonly entitlement: Entitlement
  /** How many sessions the person may have at the same time; absent: any number. */
  readonly sessionLimit?: SessionLimit
  /** The address to reserve for the session: any of a pool's, or the user's own where a pool could give it as well. */
  readonly lease: LeaseRequest | undefined
  /** The same for IPv6. */
  readonly lease6: LeaseRequest | undefined
}

/** @returns the refusal of a choice that lets nobody in; undefined where the policy has a reply. */
export function refusalOf({ policy }: PolicyChoice): Unauthorized | undefined {
  if (policy === undefined) return refuse('no_policy', 'no policy applies')
  if (policy.reply !== undefined) return undefined
  const refusal = refuse('no_policy', `policy ${policy.name} refuses`)
  return { ...refusal, words: policy.words, policy: policy.name }
}

/**
 * What may the person do there, by the policy that was chosen? The login is also refused where no reply could carry the
 * entitlement: found out after the code is spent, that would cost the user the code and leave the gateway without an
 * answer. Logins and `explain` ask here.
 */
export function authorizePerson(
  person: Person,
  choice: PolicyChoice,
  gateway: string,
  { pools, replyFault, classFormOf }: Omit<AuthorizationRules, 'policies'>,
): PersonAuthorization | Unauthorized {
  const { policy } = choice
  if (policy?.reply === undefined) return refusalOf(choice) ?? refuse('no_policy', 'no policy applies')
  const given = withOwnAddresses(entitle(policy.reply, person.attributes))
  const entitlement = withClassForm(given, classFormOf(gateway))
  const isTimed =
    person.endsAt !== undefined || policy.quotas?.some(({ measure }) => measure === 'time') === true
  const fault = replyFault(withAnyAddresses(isTimed ? withTimeLeft(entitlement, 1) : entitlement))
  if (fault !== undefined) {
    const refusal = refuse('no_policy', `policy ${policy.name} with the user’s own attributes: ${fault}`)
    return { ...refusal, policy: policy.name }
  }
  const [lease, lease6] = [leaseFor('ipv4', entitlement, pools), leaseFor('ipv6', entitlement, pools)]
  // Without interim reports nothing shows when the addresses are free again, or a quota spent.
  const reporting =
    ((lease ?? lease6) === undefined && policy.quotas === undefined) || entitlement.interim !== undefined
      ? entitlement
      : { ...entitlement, interim: DEFAULT_INTERIM }
  return {
    kind: 'authorized',
    policy: policy.name,
    entitlement: reporting,
    sessionLimit: policy.sessions,
    lease,
    lease6,
  }
}

/** A user with an address of their own needs none of the pool's, but what it says of an address that lies in it. */
function withOwnAddresses(entitlement: Entitlement): Entitlement {
  const { pool, ipv4, ipv6 } = entitlement
  if (pool === undefined || (ipv4 ?? ipv6) === undefined) return entitlement
  const complete = withAddresses(entitlement, {})
  return neededOf(entitlement).length === 0 ? complete : { ...complete, pool }
}

function leaseFor(
  family: Family,
  { pool, interim, ...own }: Entitlement,
  pools: readonly AddressPool[],
): LeaseRequest | undefined {
  const address = own[family]
  const place = address === undefined ? undefined : placeIn(pools, address)
  const from = address === undefined ? pool : place?.pool
  if (from?.[family] === undefined) return undefined
  return {
    pool: place?.key ?? poolKey(from.name, family === 'ipv6' ? from.ipv6?.prefix : undefined),
    address: place?.address,
    staleAfterMs: staleAfterMs(interim ?? DEFAULT_INTERIM, from.holdMs),
  }
}
