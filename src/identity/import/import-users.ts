import type { Clock } from '../../domain/clock.ts'
import type { UserStore } from '../../domain/user.ts'
import { faultAt, type ImportFault, type Parsed, type Place } from './file-lines.ts'
import type { ImportedUser } from './imported-user.ts'
import { type ImportManner, type ImportOutcome, takeOver } from './take-over.ts'

export interface ImportUsersOptions extends ImportManner {
  readonly users: Pick<UserStore, 'find' | 'add'>
  readonly clock: Clock
  /** Whether no login would ask for a local user of this name. */
  readonly isOthersName: (name: string) => boolean
  /** Groups that every imported user gets beside those of the file. */
  readonly groups?: readonly string[]
}

/** Adds the users of a file. An existing user is not changed, and its line is reported as a fault. */
export function importUsers(
  parsed: Parsed<ImportedUser>,
  { users, clock, isOthersName, groups = [], ...manner }: ImportUsersOptions,
): Promise<ImportOutcome> {
  const exists = (entry: ImportedUser & Place): ImportFault =>
    faultAt(entry, `there is a user ${entry.name} already`)
  return takeOver(parsed, manner, {
    async check(entry) {
      if ((await users.find(entry.name)) !== undefined) return exists(entry)
      return isOthersName(entry.name)
        ? faultAt(entry, `the realm of ${entry.name} belongs to another identity store`)
        : undefined
    },
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
