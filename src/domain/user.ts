import type { StaticAttributes } from './person.ts'

/** A user whom the broker itself knows. Times are wall milliseconds. */
export interface LocalUser {
  /** Canonical name (see `canonicalUserName`). */
  readonly name: string
  /** Argon2id in PHC form, or an imported hash that waits for the user's next login; absent where the user has no password yet and so cannot pass the first factor. */
  readonly passwordHash?: string
  readonly enabled: boolean
  /** From this time on the account is refused. */
  readonly expiresAt?: number
  readonly groups: readonly string[]
  readonly attributes: StaticAttributes
  readonly createdAt: number
}

/** What can be changed; `null` takes a value away. */
export interface UserChange {
  readonly passwordHash?: string
  readonly enabled?: boolean
  readonly expiresAt?: number | null
  readonly groups?: readonly string[]
  readonly attributes?: StaticAttributes
}

export interface UserSearch {
  /** Those in this group alone. */
  readonly group?: string
  readonly enabled?: boolean
  /** Name of the last user of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface UserStore {
  find(name: string): Promise<LocalUser | undefined>
  /** In the order of names, after `after`. */
  list(search: UserSearch): Promise<readonly LocalUser[]>
  /** `address_taken`: another user has the same static address, which ocserv would give to both. */
  add(user: LocalUser): Promise<'added' | 'exists' | 'address_taken'>
  change(name: string, change: UserChange): Promise<'changed' | 'unknown' | 'address_taken'>
  /** Puts another hash of the same password in the place of one. @returns false where the password was changed meanwhile. */
  renewPasswordHash(name: string, from: string, to: string): Promise<boolean>
  /** Removes the user with their enrolment and recovery codes; sessions and audit events stay. @returns false where there is none. */
  remove(name: string): Promise<boolean>
}
