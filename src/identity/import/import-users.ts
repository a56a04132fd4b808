import type { Clock } from '../../domain/clock.ts'
import type { UserStore } from '../../domain/user.ts'
import type { ImportFault, Parsed } from './file-lines.ts'
import type { ImportedUser } from './imported-user.ts'
import { type ImportManner, type ImportOutcome, takeOver } from './take-over.ts'

export interface ImportUsersOptions extends ImportManner {
  readonly users: Pick<UserStore, 'find' | 'add'>
  readonly clock: Clock
  /** Groups that every imported user gets beside those of the file. */
  readonly groups?: readonly string[]
}

/** Adds the users of a file. A user whom the broker knows already stays as they are, and their line is a bad one. */
export function importUsers(
  parsed: Parsed<ImportedUser>,
  { users, clock, groups = [], ...manner }: ImportUsersOptions,
): Promise<ImportOutcome> {
  const exists = ({ name, line }: ImportedUser & { line: number }): ImportFault => ({
    line,
    problem: `there is a user ${name} already`,
  })
  return takeOver(parsed, manner, {
    check: async (entry) => ((await users.find(entry.name)) === undefined ? undefined : exists(entry)),
    take: async (entry) => {
      const { name, passwordHash, enabled } = entry
      const answer = await users.add({
        name,
        passwordHash,
        enabled,
        groups: [...new Set([...entry.groups, ...groups])],
        attributes: {},
        createdAt: clock.now(),
      })
      return answer === 'added' ? undefined : exists(entry)
    },
  })
}
