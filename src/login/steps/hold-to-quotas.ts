import type { QuotaStanding } from '../../domain/quota.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { Login } from '../login.ts'
import { boundedTo, refusedByQuota } from '../quotas.ts'
import type { Authorization } from './authorize.ts'

/**
 * Is anything left of what the user may use? Asked before the code is spent. The session gets no more time than is left,
 * or than the account has.
 */
export function holdToQuotas(
  authorization: Authorization,
  login: Login,
): Authorization | Refusal | Promise<Authorization | Refusal> {
  const { quotas } = login.options
  const { policy, user } = authorization
  if (!quotas.has(policy)) return bounded(authorization, [], login)
  return quotas.standings(policy, user.person.subject).then((standings) => {
    const spent = standings.find(({ left }) => left === 0)
    return spent === undefined ? bounded(authorization, standings, login) : refusedByQuota(spent)
  })
}

function bounded(
  authorization: Authorization,
  standings: readonly QuotaStanding[],
  { options: { clock } }: Login,
): Authorization {
  const { entitlement, user } = authorization
  const held = boundedTo(entitlement, user.person, standings, clock.now())
  return held === entitlement ? authorization : { ...authorization, entitlement: held }
}
