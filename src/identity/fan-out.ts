import type { Candidate, IdentityProvider } from '../domain/identity-provider.ts'
import { foldName, type LoginName } from '../domain/login-name.ts'
import type { StoreUser } from '../domain/store-users.ts'
import { formsInTurn } from './forms-in-turn.ts'

/** An identity store and the logins that it is asked for. */
export interface Member {
  readonly store: IdentityProvider
  /** Canonical realms; a name with one of these goes to this member alone. */
  readonly realms: readonly string[]
  /** True: every realm is cut off the name. False: none is. Absent: the member's own are. */
  readonly stripRealm?: boolean
  /** Gateways whose users it is asked for; absent: all. */
  readonly gateways?: readonly string[]
  /** Whether the next member is asked when this one cannot be. */
  readonly onUnavailable: 'stop' | 'continue'
}

/** Where a name comes from. */
export interface Origin {
  /** Absent: wherever the login comes from. */
  readonly gateway?: string
  /** The canonical realm of names that come without one; it is cut off those that come with it. */
  readonly defaultRealm?: string
}

/**
 * Which stores are asked for a name, in turn, and in which form. A realm that a member answers for sends the name
 * to that member alone. A realm that nobody answers for is part of the name: `bob@a.example` and `bob@b.example` are two
 * people. A member with realms keeps its users' second factors under the first of them, so that `bob` of two directories
 * are two people.
 */
export function candidates(
  members: readonly Member[],
  name: LoginName,
  { gateway, defaultRealm }: Origin = {},
): readonly Candidate[] {
  const realm = name.realm ?? defaultRealm
  const here = members.filter(
    ({ gateways }) => gateways === undefined || gateway === undefined || gateways.includes(gateway),
  )
  const owners = realm === undefined ? [] : here.filter(({ realms }) => realms.includes(realm))
  const isCut = owners.length > 0 || (realm !== undefined && realm === defaultRealm)
  return (owners.length > 0 ? owners : here).map((member): Candidate => {
    const { store, stripRealm, onUnavailable } = member
    const loses = name.realm !== undefined && (stripRealm ?? isCut)
    // As it was typed comes first: where a store has a user of that whole name, this one is meant.
    const isTriedWhole = loses && stripRealm === undefined && store.tellsUnknown === true
    const asked = loses ? name.user : name.whole
    return {
      store: isTriedWhole ? formsInTurn(store, name.whole, name.user) : store,
      name: asked,
      ...subjectFor(member, name, asked, owners.length > 0),
      mayBeMissing: onUnavailable === 'continue',
    }
  })
}

function subjectFor(
  { store, realms, stripRealm }: Member,
  { user, realm }: LoginName,
  asked: string,
  isOwned: boolean,
): Pick<Candidate, 'subject' | 'realm'> {
  // A store that does not say whom it means is believed that each of its realms is a place of its own.
  if (isOwned && stripRealm === false && store.tellsUnknown !== true && realm !== undefined)
    return { subject: `${foldName(user)}@${realm}`, realm }
  const [first] = realms
  return { subject: subjectIn(realms, asked), realm: first }
}

function subjectIn([first]: readonly string[], name: string): string {
  return first === undefined ? foldName(name) : `${foldName(name)}@${first}`
}

/** `Person.subject` of a user whom the member lists. */
export function subjectOfListed(
  { realms }: Pick<Member, 'realms'>,
  { name }: Pick<StoreUser, 'name'>,
): string {
  return subjectIn(realms, name)
}
