/**
 * What a list of people can be narrowed to. `invited` has those who have enrolled since, `expiring` those whose account is
 * over, too.
 */
export const PEOPLE_FILTERS = [
  'all',
  'not_enrolled',
  'invited',
  'enrolled',
  'waiting',
  'used',
  'expired',
  'uninvited',
  'never_used',
  'locked',
  'disabled',
  'expiring',
] as const

export type PeopleFilter = (typeof PEOPLE_FILTERS)[number]

/** Filters whose people can all be invited at once; `invited` without those who have used theirs. */
export const INVITABLE = ['not_enrolled', 'invited', 'waiting', 'used', 'expired', 'uninvited'] as const

/**
 * Where somebody stands in the roll-out of the second factor: has one; or has none, and an invitation waits, was used, has
 * expired, or never was.
 */
export const STANDINGS = [
  'enrolled',
  'waiting',
  'used',
  'expired',
  'uninvited',
] as const satisfies PeopleFilter[]

export type Standing = (typeof STANDINGS)[number]

/** What `expiring` means: the account ends within this time, in milliseconds. */
export const EXPIRING_MS = 30 * 24 * 3_600_000

/** Times are wall milliseconds. */
interface AnyPeople {
  /** Only of users who are in one of these groups, as far as the records know; absent: of all. */
  readonly over?: readonly string[]
  /** Only of users who are in this group, as far as the records know. */
  readonly group?: string
  /** Whether a passkey is a second factor. */
  readonly takesPasskeys: boolean
  readonly now: number
}

export interface PeopleSearch extends AnyPeople {
  readonly filter: PeopleFilter
  /** Part of a name, in canonical form. */
  readonly part?: string
  /** What `expiring` means: the account ends before. */
  readonly expiresBefore: number
  /** What `enrolled` means: a second factor that the user still has was enrolled before; absent: at any time. */
  readonly enrolledBefore?: number
  /** Name of the last person of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface RollOutSearch extends AnyPeople {
  /** For each is counted who had enrolled before. */
  readonly moments: readonly number[]
}

/** How many people a list has by each of these filters. */
export interface RollOutCounts {
  readonly standings: Readonly<Record<Standing, number>>
  /** In the order of the moments: `enrolled` with `enrolledBefore`. */
  readonly enrolledBefore: readonly number[]
}

/**
 * Somebody whom the records know: a local user, or a user of another identity store who has
 * enrolled, was invited or was let in.
 */
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
  /** When a passkey was added; absent: there is none. */
  readonly passkeyAt?: number
  /** When the last session began or was granted; absent: none is kept. */
  readonly lastLoginAt?: number
  /** Whether any lockout of the user is in force. */
  readonly isLocked: boolean
  /** The latest. */
  readonly invitation?: { readonly expiresAt: number; readonly usedAt?: number }
}

export function invitationState(
  { expiresAt, usedAt }: NonNullable<ListedPerson['invitation']>,
  now: number,
): 'waiting' | 'used' | 'expired' {
  if (usedAt !== undefined) return 'used'
  return expiresAt > now ? 'waiting' : 'expired'
}

/** Every method may throw `Unavailable`. */
export interface PeopleStore {
  /** In the order of names. */
  list(search: PeopleSearch): Promise<readonly ListedPerson[]>
  /** Of all whom `list` finds without a filter. */
  rollOut(search: RollOutSearch): Promise<RollOutCounts>
}
