import type { AccountGroupStore } from '../domain/account-groups.ts'
import type { Candidate } from '../domain/identity-provider.ts'
import { type LoginName, parseLoginName, usernameOf } from '../domain/login-name.ts'
import { subjectOf } from '../domain/person.ts'
import type { Runtime } from '../domain/runtime.ts'
import { overOf, type Rights } from '../domain/scope.ts'

export interface SightOptions extends Pick<Runtime, 'clock'> {
  readonly accountGroups: AccountGroupStore
  readonly candidates: (name: LoginName) => readonly Candidate[]
  /** Milliseconds within which an identity store must answer. */
  readonly patienceMs: number
}

/**
 * Whether somebody with these rights may see what is kept of a user. Of a user who is not known to be theirs, identity
 * stores are asked, and what they say is kept: the user may never have signed in.
 * @param name a user name or a subject. @throws Unavailable
 */
export async function maySee(
  name: string,
  rights: Rights,
  { accountGroups, candidates, clock, patienceMs }: SightOptions,
): Promise<boolean> {
  const over = overOf(rights)
  if (over === undefined) return true
  const user = usernameOf(name)
  if (await accountGroups.areAllIn(user, over)) return true
  const parsed = parseLoginName(user)
  if (parsed === undefined) return false
  const deadline = clock.monotonic() + patienceMs
  for (const candidate of candidates(parsed)) {
    if (candidate.store.isOwn === true) continue
    const answer = await candidate.store.lookup(candidate.name, deadline)
    if (answer.kind !== 'right') continue
    const { groups } = answer.account
    const account = { source: candidate.store.name, subject: subjectOf(candidate, answer.account) }
    await accountGroups.note({ user, ...account, groups, seenAt: clock.now() })
  }
  return accountGroups.areAllIn(user, over)
}
