import type { Request } from 'express'
import { foldName } from '../../domain/login-name.ts'
import {
  EXPIRING_MS,
  INVITABLE,
  invitationState,
  type ListedPerson,
  PEOPLE_FILTERS,
  type PeopleFilter,
  type PeopleSearch,
  STANDINGS,
} from '../../domain/people.ts'
import { hasSecondFactor } from '../../domain/roll-out.ts'
import { addDays, isDay } from '../../domain/site-days.ts'
import { parameter } from '../layout/forms.ts'
import type { AdminConsole } from './console.ts'
import { oneOf, searchText } from './filters.ts'

export const PEOPLE_PATH = '/desk/users'
const MAX_GROUP = 128

export const ROLL_OUT_PATH = '/desk/roll-out'
/** The standings of the roll-out are on the page of that name. */
const TABS = PEOPLE_FILTERS.filter((filter) => !isRollOut(filter))
/** A form with a box for each row has at most as many fields as the pages take. */
const PAGE_SIZE = 40

/** What is to be seen of a person at a glance, the most pressing first. */
export type PersonState =
  | 'locked'
  | 'disabled'
  | 'expired'
  | 'expiring'
  | 'no_password'
  | 'not_enrolled'
  | 'fine'

/** One page of people, by what the address of the request asks for. */
export async function findPeople(request: Request, admin: AdminConsole) {
  const { clock, takesPasskeys, days } = admin.services
  const records = admin.recordsOf(request)
  const now = clock.now()
  const q = parameter(request, 'q')
  const after = parameter(request, 'after')
  const filter = oneOf(request, 'filter', PEOPLE_FILTERS)
  const expiresBefore = now + EXPIRING_MS
  const group = groupIn(request)
  const until = parameter(request, 'until')
  const enrolledBefore = filter === 'enrolled' && isDay(until) ? days.startOf(addDays(until, 1)) : undefined
  const part = q === '' ? undefined : foldName(q)
  const search = { filter, part, group, enrolledBefore, takesPasskeys, now, expiresBefore }
  const page = { after: after === '' ? undefined : after, limit: PAGE_SIZE + 1 }
  const found = await records.people.list({ ...search, ...page })
  const people = found.slice(0, PAGE_SIZE)
  const last = found.length > PAGE_SIZE ? people.at(-1)?.name : undefined
  const also = { q, group, until: enrolledBefore === undefined ? undefined : until }
  const shared = { ...also, filter: filter === 'all' ? undefined : filter }
  return {
    q,
    filter,
    group,
    /** The last day of those who are meant. */
    until: also.until,
    search,
    isRollOut: isRollOut(filter),
    isInvitable: INVITABLE.some((each) => each === filter),
    /** Whether those who are meant have an invitation that they have not used. */
    isReminder: filter === 'invited' || filter === 'waiting',
    whole: searchText(PEOPLE_PATH, { q }),
    rollOut: searchText(ROLL_OUT_PATH, { group }),
    back: searchText(PEOPLE_PATH, shared),
    invite: searchText(`${PEOPLE_PATH}/invite-many`, { ...shared, after: page.after }),
    people: people.map((person) => ({
      ...person,
      states: statesOf(person, search),
      invited: person.invitation && invitationState(person.invitation, now),
    })),
    tabs: TABS.map((each) => ({
      filter: each,
      href: searchText(PEOPLE_PATH, { q, group, filter: each === 'all' ? undefined : each }),
    })),
    page: {
      after: page.after,
      firstPage: searchText(PEOPLE_PATH, shared),
      nextPage: last && searchText(PEOPLE_PATH, { ...shared, after: last }),
    },
  }
}

/** The group of which users are sought. */
export function groupIn(request: Request): string | undefined {
  const group = parameter(request, 'group').trim()
  return group === '' || group.length > MAX_GROUP ? undefined : group
}

function isRollOut(filter: PeopleFilter): boolean {
  return STANDINGS.some((standing) => standing === filter)
}

export function statesOf(
  person: ListedPerson,
  { now, expiresBefore, takesPasskeys }: Pick<PeopleSearch, 'now' | 'expiresBefore' | 'takesPasskeys'>,
): readonly PersonState[] {
  const { local, isLocked } = person
  const end = local?.expiresAt ?? Number.POSITIVE_INFINITY
  const states: PersonState[] = []
  if (isLocked) states.push('locked')
  if (local?.enabled === false) states.push('disabled')
  if (end <= now) states.push('expired')
  else if (end < expiresBefore) states.push('expiring')
  if (local?.hasPassword === false) states.push('no_password')
  if (!hasSecondFactor(person, takesPasskeys)) states.push('not_enrolled')
  return states.length === 0 ? ['fine'] : states
}
