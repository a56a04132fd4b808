import type { LoginName } from '../domain/login-name.ts'
import type { Candidate, IdentityStore } from '../domain/person.ts'

/** An identity store and the logins that it is asked for. */
export interface Member {
  readonly store: IdentityStore
  /** Canonical realms; a name with one of these goes to this member alone. */
  readonly realms: readonly string[]
  /** Gateways whose users it is asked for; absent: all. */
  readonly gateways?: readonly string[]
  /** Whether the next member is asked when this one cannot be. */
  readonly onUnavailable: 'stop' | 'continue'
}

/**
 * Which stores are asked for a name, in turn. A typed realm that a member answers for goes to it alone; any other
 * realm is one that the gateway appended by itself and is left off. A member with realms keeps its users' second
 * factors under the first of them, so that `bob` of two directories are two people.
 * @param gateway absent: wherever the login comes from.
 */
export function candidates(
  members: readonly Member[],
  name: LoginName,
  gateway?: string,
): readonly Candidate[] {
  const { realm, stem } = name
  const here = members.filter(
    ({ gateways }) => gateways === undefined || gateway === undefined || gateways.includes(gateway),
  )
  const named = realm === undefined ? [] : here.filter(({ realms }) => realms.includes(realm))
  return (named.length > 0 ? named : here).map(({ store, realms, onUnavailable }) => ({
    store,
    name: stem,
    subject: realms[0] === undefined ? stem : `${stem}@${realms[0]}`,
    mayBeMissing: onUnavailable === 'continue',
  }))
}
