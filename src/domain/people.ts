/** What a list of people can be narrowed to. `expiring` has those whose account is over, too. */
export const PEOPLE_FILTERS = [
  'all',
  'not_enrolled',
  'invited',
  'never_used',
  'locked',
  'disabled',
  'expiring',
] as const

export type PeopleFilter = (typeof PEOPLE_FILTERS)[number]

/** Times are wall milliseconds. */
export interface PeopleSearch {
  /** Only of users who are in one of these groups, as far as the records know; absent: of all. */
  readonly over?: readonly string[]
  readonly filter: PeopleFilter
  /** Part of a name, in canonical form. */
  readonly part?: string
  readonly now: number
  /** What `expiring` means: the account ends before. */
  readonly expiresBefore: number
  /** Name of the last person of the page before. */
  readonly after?: string
  readonly limit: number
}

/** Somebody whom the records know: a local user, or a user of another identity store who has enrolled or was let in. */
export interface ListedPerson {
  /** Of a local user the whole name, of others the canonical username. */
  readonly name: string
  /** Absent: no local user. */
  readonly local?: {
    readonly groups: readonly string[]
    readonly enabled: boolean
    readonly hasPassword: boolean
    readonly expiresAt?: number
  }
  /** What other identity stores said at the last sign-in; absent: a local user, or one who has not signed in since. */
  readonly seen?: { readonly sources: readonly string[]; readonly groups: readonly string[] }
  /** When the authenticator was enrolled; absent: there is none. */
  readonly enrolledAt?: number
  /** When the last session began or was granted; absent: none is kept. */
  readonly lastLoginAt?: number
  /** Whether any lockout of the user is in force. */
  readonly isLocked: boolean
  /** The latest. */
  readonly invitation?: { readonly expiresAt: number; readonly usedAt?: number }
}

/** Every method may throw `Unavailable`. */
export interface PeopleStore {
  /** In the order of names. */
  list(search: PeopleSearch): Promise<readonly ListedPerson[]>
}
