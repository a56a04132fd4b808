import type { Candidate } from '../domain/identity-provider.ts'
import { canonicalUserName, type LoginName, nameOfSubject, parseLoginName } from '../domain/login-name.ts'
import type { Runtime } from '../domain/runtime.ts'
import {
  areGoodFor,
  covers,
  type Rights,
  type RoleGrants,
  rightsOf,
  rightsOfAllRoles,
} from '../domain/scope.ts'
import type { UserStore } from '../domain/user.ts'

export interface RightsOptions extends Pick<Runtime, 'clock'> {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  readonly users: Pick<UserStore, 'find'>
  readonly roles: RoleGrants
  /** Milliseconds within which an identity store must answer. */
  readonly patienceMs: number
}

/**
 * Whether somebody with these rights may change a person or the person's authenticator: only if every right of that
 * person is among them, and they are good for the person. All identity stores that have the name count. Where one cannot
 * tell the person's groups, the person may have any right that a role gives, and be in no group.
 * @param target a user name or a subject. @throws Unavailable
 */
export async function mayActOn(
  target: string,
  rights: Rights,
  { candidates, users, roles, clock, patienceMs }: RightsOptions,
): Promise<boolean> {
  const name = nameOfSubject(target)
  const isForAll = areGoodFor(rights, [])
  // Nobody has such a name, and a caller with all rights need not wait for a directory.
  if (isForAll && (name === undefined || covers(rights, rightsOfAllRoles(roles)))) return true
  if (name === undefined) return false
  const mayOn = (groups: readonly string[]) =>
    areGoodFor(rights, groups) && covers(rights, rightsOf(groups, roles))
  const all = candidates(name)
  const local = canonicalUserName(name.whole)
  const own = local === undefined ? undefined : await users.find(local)
  if (own !== undefined && !mayOn(own.groups)) return false
  const others = [...all, ...bareIn(all, name, candidates)].filter(({ store }) => store.isOwn !== true)
  const deadline = clock.monotonic() + patienceMs
  const answers = await Promise.all(
    others.map(async ({ store, name: known }) => {
      const answer = await store.lookup(known, deadline)
      if (answer.kind === 'unknown') return store.mayMissUsers === true ? 'forbidden' : 'nobody'
      return answer.kind === 'right' && mayOn(answer.account.groups) ? 'allowed' : 'forbidden'
    }),
  )
  if (answers.includes('forbidden')) return false
  // Whom nobody knows is in no group.
  return isForAll || own !== undefined || answers.includes('allowed')
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
