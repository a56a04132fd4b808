import type { LoginName } from '../domain/login-name.ts'
import type { Candidate, IdentityStore } from '../domain/person.ts'

/** An identity store and the names that it answers for. */
export interface Member {
  readonly store: IdentityStore
  /** Canonical realms; a name with one of these goes to this member alone. */
  readonly realms: readonly string[]
}

/**
 * Which stores are asked for a name, in turn. A typed realm that a member answers for goes to it alone; any other
 * realm is one that the gateway appended by itself and is left off.
 */
export function candidates(members: readonly Member[], name: LoginName): readonly Candidate[] {
  const { realm, stem } = name
  const named = realm === undefined ? [] : members.filter(({ realms }) => realms.includes(realm))
  return (named.length > 0 ? named : members).map(({ store, realms }) => ({
    store,
    name: stem,
    subject: realms[0] === undefined ? stem : `${stem}@${realms[0]}`,
  }))
}
