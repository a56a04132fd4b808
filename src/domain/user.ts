import type { AuditEvent } from './audit.ts'
import type { Locale } from './locale.ts'
import type { StaticAttributes } from './person.ts'
import type { OrderCause } from './session-order.ts'

/** A local user. Times are wall milliseconds. */
export interface LocalUser {
  /** Canonical name (see `canonicalUserName`). */
  readonly name: string
  /** Argon2id in PHC form, or an imported hash until the user's next login; absent: the user has no password yet. */
  readonly passwordHash?: string
  readonly enabled: boolean
  /** The account is refused from this time on. */
  readonly expiresAt?: number
  readonly groups: readonly string[]
  readonly attributes: StaticAttributes
  readonly createdAt: number
  /** Where mails to the user go. */
  readonly mail?: string
  /** In which mails are written; absent: the first of the portal. */
  readonly language?: Locale
  /** Counts new passwords and disablings, each of which ends what was signed in before; absent: none so far. */
  readonly revision?: number
}

/** The same text as long as nothing has happened that ends the user's sign-ins. Compares no clocks. */
export function recordVersionOf({ createdAt, revision = 0 }: LocalUser): string {
  return `${createdAt}.${revision}`
}

export function mayLogIn({ enabled, expiresAt }: LocalUser, now: number): boolean {
  return enabled && (expiresAt === undefined || now < expiresAt)
}

/** `null` removes a value. */
export interface UserChange {
  readonly passwordHash?: string
  readonly enabled?: boolean
  readonly expiresAt?: number | null
  readonly groups?: readonly string[]
  readonly attributes?: StaticAttributes
  readonly mail?: string | null
  readonly language?: Locale | null
}

/** What a list of users does, all of it or nothing. */
export interface UserListChange {
  readonly added: readonly LocalUser[]
  readonly changed: readonly {
    /** As the user was when the change was decided. */
    readonly before: LocalUser
    readonly change: UserChange
    /** As of `UserStore.change`. */
    readonly ends?: OrderCause
  }[]
  readonly events: readonly AuditEvent[]
}

/** The same text as long as nobody has changed what administrators change of a user. */
export function userDigestOf(user: LocalUser): string {
  const { name, enabled, expiresAt, groups, attributes, createdAt, mail, language, revision = 0 } = user
  return JSON.stringify([name, enabled, expiresAt, groups, attributes, createdAt, mail, language, revision])
}

export interface UserSearch {
  /** Only users who are in one of these groups; absent: all. */
  readonly over?: readonly string[]
  /** Only users in this group. */
  readonly group?: string
  readonly enabled?: boolean
  /** Name of the last user of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface EndingSearch extends Pick<UserSearch, 'after' | 'limit'> {
  readonly now: number
  readonly before: number
}

export interface UserStore {
  find(name: string): Promise<LocalUser | undefined>
  /** Ordered by name. */
  list(search: UserSearch): Promise<readonly LocalUser[]>
  /** Users who may log in now and whose account ends within a time, ordered by name. Wall milliseconds. */
  ending(search: EndingSearch): Promise<readonly { readonly name: string; readonly expiresAt: number }[]>
  /** `address_taken`: another user has the same static address, which ocserv would give to both. */
  add(user: LocalUser): Promise<'added' | 'exists' | 'address_taken'>
  /** @param ends orders the end of the user's sessions in the same transaction. */
  change(
    name: string,
    change: UserChange,
    ends?: OrderCause,
  ): Promise<'changed' | 'unknown' | 'address_taken'>
  /** @returns `overtaken`, with nothing changed, where a user has changed since it was decided, or an address is taken. */
  applyList(list: UserListChange): Promise<'done' | 'overtaken'>
  /** By canonical address, the names of the users who have one of these as their own. */
  ownersOf(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Replaces a hash by another one of the same password. @returns false if the password was changed meanwhile. */
  renewPasswordHash(name: string, from: string, to: string): Promise<boolean>
  /**
   * Removes the user and nothing else: see `Users.remove`.
   * @param ends as of `change`. @returns false if unknown.
   */
  remove(name: string, ends?: OrderCause): Promise<boolean>
}
