import type { Person } from './person.ts'

/** What an identity store has said of an account of which the broker has no record. */
export interface SeenAccount extends Pick<Person, 'source' | 'subject' | 'groups'> {
  /** The canonical username, by which lockouts, sessions and events are kept. */
  readonly user: string
  /** Wall milliseconds. */
  readonly seenAt: number
}

/** Every method may throw `Unavailable`. */
export interface AccountGroupStore {
  /** Keeps the groups in place of those that were known of the account. */
  note(account: SeenAccount): Promise<void>
  /**
   * Whether every account that is known under the username, local users included, is in one of the groups; false where
   * none is known.
   * @param user canonical.
   */
  areAllIn(user: string, groups: readonly string[]): Promise<boolean>
}
