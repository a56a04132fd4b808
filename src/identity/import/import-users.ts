import type { AuditEvent } from '../../domain/audit.ts'
import type { Clock } from '../../domain/clock.ts'
import type { UserStore } from '../../domain/user.ts'
import { faultAt, type Parsed } from './file-lines.ts'
import type { ImportedUser } from './imported-user.ts'
import { type ImportManner, type ImportOutcome, takeOver } from './take-over.ts'

export interface ImportUsersOptions extends ImportManner {
  readonly users: Pick<UserStore, 'find' | 'applyList'>
  readonly clock: Clock
  /** Whether no login would ask for a local user of this name. */
  readonly isOthersName: (name: string) => boolean
  /** Groups that every imported user gets beside those of the file. */
  readonly groups?: readonly string[]
  /** What the audit trail gets for each user who was added. */
  readonly eventOf: (name: string) => AuditEvent
}

/** Adds the users of a file. An existing user is not changed, and its line is reported as a fault. */
export function importUsers(
  parsed: Parsed<ImportedUser>,
  { users, clock, isOthersName, groups = [], eventOf, ...manner }: ImportUsersOptions,
): Promise<ImportOutcome> {
  return takeOver(parsed, manner, {
    async check(entry) {
      if ((await users.find(entry.name)) !== undefined)
        return faultAt(entry, `there is a user ${entry.name} already`)
      return isOthersName(entry.name)
        ? faultAt(entry, `the realm of ${entry.name} belongs to another identity store`)
        : undefined
    },
    take: (entries) =>
      users.applyList({
        added: entries.map(({ name, passwordHash, enabled, groups: own }) => ({
          name,
          passwordHash,
          enabled,
          groups: [...new Set([...own, ...groups])],
          attributes: {},
          createdAt: clock.now(),
        })),
        changed: [],
        events: entries.map(({ name }) => eventOf(name)),
      }),
  })
}
