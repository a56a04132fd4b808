/** A user as an identity store lists them. */
export interface StoreUser {
  /** Canonical: what a login would ask the store for. */
  readonly name: string
  /** Absent where nobody asked for them. */
  readonly groups?: readonly string[]
  readonly mail?: string
  /** Why no login of the user would be let in, for operators; absent: nothing is known against one. */
  readonly barred?: string
}

export interface StoreUserSearch {
  /** Only users in this group, as policies name it. */
  readonly group?: string
  /** Whether the users' groups are wanted, which may cost a question for each. */
  readonly wantsGroups?: boolean
}

/** A user of an identity store, with the name by which the records know them. */
export interface ListedUser extends StoreUser {
  /** `Person.subject` */
  readonly subject: string
  readonly store: string
}

/** An identity store as a list of users. */
export interface StoreListing {
  readonly store: string
  /** A page at a time, so that no list is held whole; absent: the store cannot list its users. @throws Unavailable */
  readonly users?: (search: StoreUserSearch) => AsyncIterable<readonly ListedUser[]>
}
