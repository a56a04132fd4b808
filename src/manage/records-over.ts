import type { AccountGroupStore } from '../domain/account-groups.ts'
import type { AttemptStore } from '../domain/attempt-tally.ts'
import type { AuditStore } from '../domain/audit.ts'
import type { NameStore } from '../domain/known-names.ts'
import type { LockoutStore } from '../domain/lockout.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { PeopleStore } from '../domain/people.ts'
import { overOf, type Rights } from '../domain/scope.ts'
import type { SessionStore } from '../domain/session.ts'
import type { TrustStore } from '../domain/trust.ts'

/** What can be read of a part of the users. */
export interface PartialRecords {
  readonly audit: Pick<AuditStore, 'list' | 'tail' | 'positionOf'>
  readonly lockouts: Pick<LockoutStore, 'list' | 'find' | 'countInForce' | 'countByHint'>
  readonly sessions: Pick<SessionStore, 'list' | 'find'>
  readonly attempts: Pick<AttemptStore, 'tally'>
  readonly people: PeopleStore
  readonly names: NameStore
  readonly trusts: Pick<TrustStore, 'list'>
}

/** The records as somebody with these rights may see them: of the users alone for whom the rights are good. */
export function recordsOver(
  rights: Rights,
  records: PartialRecords & { readonly accountGroups: Pick<AccountGroupStore, 'areAllIn'> },
): PartialRecords {
  const over = overOf(rights)
  if (over === undefined) return records
  const { accountGroups, audit, lockouts, sessions, attempts, people, names, trusts } = records
  const isTheirs = async (name: string | undefined): Promise<boolean> =>
    name !== undefined && (await accountGroups.areAllIn(usernameOf(name), over))
  return {
    audit: {
      list: (search) => audit.list({ ...search, over }),
      tail: (search) => audit.tail({ ...search, over }),
      positionOf: (id) => audit.positionOf(id),
    },
    lockouts: {
      list: (search) => lockouts.list({ ...search, over }),
      async find(id) {
        const found = await lockouts.find(id)
        return (await isTheirs(found?.user)) ? found : undefined
      },
      countInForce: (now, atMost) => lockouts.countInForce(now, atMost, over),
      countByHint: (search, now, atMost) => lockouts.countByHint({ ...search, over }, now, atMost),
    },
    sessions: {
      list: (search) => sessions.list({ ...search, over }),
      async find(id) {
        const found = await sessions.find(id)
        return (await isTheirs(found?.user)) ? found : undefined
      },
    },
    attempts: { tally: (search) => attempts.tally({ ...search, over }) },
    people: {
      list: (search) => people.list({ ...search, over }),
      rollOut: (search) => people.rollOut({ ...search, over }),
    },
    names: { list: (search) => names.list({ ...search, over }) },
    trusts: { list: (search) => trusts.list({ ...search, over }) },
  }
}
