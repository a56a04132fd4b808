import type { Candidate } from '../domain/identity-provider.ts'
import { canonicalUserName, type LoginName, nameOfSubject, parseLoginName } from '../domain/login-name.ts'
import type { Runtime } from '../domain/runtime.ts'
import { type RoleGroups, rolesOf, type Scope, scopesOf } from '../domain/scope.ts'
import type { UserStore } from '../domain/user.ts'

export interface RightsOptions extends Pick<Runtime, 'clock'> {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  readonly users: Pick<UserStore, 'find'>
  readonly roles: RoleGroups
  /** Milliseconds within which an identity store must answer. */
  readonly patienceMs: number
}

/**
 * Whether somebody with these rights may change a person or the person's authenticator: only if every right of that
 * person is among them. All identity stores that have the name count. Where one cannot tell the person's groups, the
 * person may have any right that a role gives.
 * @param target a user name or a subject. @throws Unavailable
 */
export async function mayActOn(
  target: string,
  scopes: ReadonlySet<Scope>,
  { candidates, users, roles, clock, patienceMs }: RightsOptions,
): Promise<boolean> {
  const mayAll = rightsOfAnybody(roles).isSubsetOf(scopes)
  const name = nameOfSubject(target)
  // Nobody has such a name, and a caller with all rights need not wait for a directory.
  if (mayAll || name === undefined) return true
  const covers = (groups: readonly string[]) => scopesOf(rolesOf(groups, roles)).isSubsetOf(scopes)
  const all = candidates(name)
  const local = canonicalUserName(name.whole)
  const own = local === undefined ? undefined : await users.find(local)
  if (own !== undefined && !covers(own.groups)) return false
  const others = [...all, ...bareIn(all, name, candidates)].filter(({ store }) => store.isOwn !== true)
  const deadline = clock.monotonic() + patienceMs
  const answers = await Promise.all(
    others.map(async ({ store, name: known }) => {
      const answer = await store.lookup(known, deadline)
      if (answer.kind === 'unknown') return store.mayMissUsers !== true
      return answer.kind === 'right' && covers(answer.account.groups)
    }),
  )
  return answers.every(Boolean)
}

/** A subject with a realm may be somebody's mail address too, and then the name without it is the person's. */
function bareIn(
  all: readonly Candidate[],
  { user, realm }: LoginName,
  candidates: RightsOptions['candidates'],
): readonly Candidate[] {
  const bare = realm === undefined ? undefined : parseLoginName(user)
  const owners = new Set(all.filter((each) => each.realm !== undefined).map(({ store }) => store.name))
  return bare === undefined ? [] : candidates(bare).filter(({ store }) => owners.has(store.name))
}

/** All that any role with groups allows. */
function rightsOfAnybody(roles: RoleGroups): ReadonlySet<Scope> {
  return scopesOf(rolesOf(Object.values(roles).flat(), roles))
}
