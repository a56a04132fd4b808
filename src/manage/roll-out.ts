import type { Clock } from '../domain/clock.ts'
import { foldName, usernameOf } from '../domain/login-name.ts'
import type { PeopleStore } from '../domain/people.ts'
import { type EnrolmentStanding, hasSecondFactor, type RollOutStore } from '../domain/roll-out.ts'
import type { ListedUser, StoreListing } from '../domain/store-users.ts'

export interface RollOutOptions {
  readonly listings: readonly StoreListing[]
  /** Whether a passkey is a second factor at every login. */
  readonly takesPasskeys: boolean
  readonly records: { readonly rollOut: RollOutStore; readonly people: PeopleStore }
  readonly clock: Clock
}

export interface RollOutSearch {
  /** Only those without a second factor. */
  readonly missing?: boolean
  /** Only users in this group. */
  readonly group?: string
  /** Only users of this identity store. */
  readonly store?: string
  /** Whether the groups of each are wanted. */
  readonly wantsGroups?: boolean
}

/** Somebody whom an identity store lists, or whom the records alone know. */
export interface RollOutPerson extends EnrolmentStanding, Omit<ListedUser, 'subject' | 'store'> {
  /** Absent: the records alone know the user, who then has no realm either. */
  readonly subject?: string
  readonly store?: string
}

const PAGE_SIZE = 500

/**
 * Everybody, a page at a time: the users of each identity store that can list them, then those whom the records know
 * beside. Who is in two stores under one subject comes once for each.
 * @throws Unavailable
 */
export async function* rollOut(
  search: RollOutSearch,
  options: RollOutOptions,
): AsyncGenerator<readonly RollOutPerson[]> {
  const { group, store, wantsGroups } = search
  const listings = options.listings.filter((each) => store === undefined || each.store === store)
  // Of whom the records know it is not known who is in a group.
  const asksRecords = group === undefined && listings.some(({ users }) => users === undefined)
  const seen = new Set<string>()
  for (const { users } of listings) {
    if (users === undefined) continue
    for await (const page of users({ group, wantsGroups })) {
      if (asksRecords) for (const { subject } of page) seen.add(usernameOf(subject))
      yield wanted(await withStandings(page, options), search, options)
    }
  }
  if (asksRecords) for await (const page of knownBeside(seen, options)) yield wanted(page, search, options)
}

/** Identity stores of the search that cannot list their users. */
export function unlistable({ store }: RollOutSearch, listings: readonly StoreListing[]): readonly string[] {
  return listings
    .filter((each) => each.users === undefined && (store === undefined || each.store === store))
    .map((each) => each.store)
}

function wanted(
  people: readonly RollOutPerson[],
  { missing }: RollOutSearch,
  { takesPasskeys }: RollOutOptions,
): readonly RollOutPerson[] {
  return missing === true ? people.filter((person) => !hasSecondFactor(person, takesPasskeys)) : people
}

async function withStandings(
  page: readonly ListedUser[],
  { records }: RollOutOptions,
): Promise<readonly RollOutPerson[]> {
  const standings = await records.rollOut.standingsOf(page.map(({ subject }) => subject))
  return page.map((user) => ({ ...user, ...standings.get(user.subject) }))
}

async function* knownBeside(
  seen: ReadonlySet<string>,
  { records, clock, takesPasskeys }: RollOutOptions,
): AsyncGenerator<readonly RollOutPerson[]> {
  const now = clock.now()
  for (let after: string | undefined; ; ) {
    const page = await records.people.list({
      ...{ filter: 'all', takesPasskeys, now, expiresBefore: now, after, limit: PAGE_SIZE },
    })
    yield page
      .filter(({ name, local }) => local === undefined && !seen.has(foldName(name)))
      .map(({ name, enrolledAt, passkeyAt, lastLoginAt, invitation }) => ({
        ...{ name, enrolledAt, passkeyAt, lastLoginAt, invitation },
      }))
    if (page.length < PAGE_SIZE) return
    after = page.at(-1)?.name
  }
}
