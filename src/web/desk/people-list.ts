import type { Request } from 'express'
import { foldName } from '../../domain/login-name.ts'
import { type ListedPerson, PEOPLE_FILTERS } from '../../domain/people.ts'
import { parameter } from '../layout/forms.ts'
import type { AdminConsole } from './console.ts'
import { oneOf, searchText } from './filters.ts'

const PEOPLE_PATH = '/desk/users'

/** A form with a box for each row has at most as many fields as the pages take. */
const PAGE_SIZE = 40
/** An account that ends within this time is expiring, in milliseconds. */
const EXPIRING_MS = 30 * 24 * 3_600_000

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
  const { clock } = admin.services
  const records = admin.recordsOf(request)
  const now = clock.now()
  const q = parameter(request, 'q')
  const after = parameter(request, 'after')
  const filter = oneOf(request, 'filter', PEOPLE_FILTERS)
  const expiresBefore = now + EXPIRING_MS
  const search = { filter, part: q === '' ? undefined : foldName(q), now, expiresBefore }
  const page = { after: after === '' ? undefined : after, limit: PAGE_SIZE + 1 }
  const found = await records.people.list({ ...search, ...page })
  const people = found.slice(0, PAGE_SIZE)
  const last = found.length > PAGE_SIZE ? people.at(-1)?.name : undefined
  const shared = { q, filter: filter === 'all' ? undefined : filter }
  return {
    q,
    filter,
    search,
    back: searchText(PEOPLE_PATH, shared),
    invite: searchText(`${PEOPLE_PATH}/invite-many`, { ...shared, after: page.after }),
    people: people.map((person) => ({ ...person, states: statesOf(person, now, expiresBefore) })),
    tabs: PEOPLE_FILTERS.map((each) => ({
      filter: each,
      href: searchText(PEOPLE_PATH, { q, filter: each === 'all' ? undefined : each }),
    })),
    page: {
      after: page.after,
      firstPage: searchText(PEOPLE_PATH, shared),
      nextPage: last && searchText(PEOPLE_PATH, { ...shared, after: last }),
    },
  }
}

export function statesOf(person: ListedPerson, now: number, expiresBefore: number): readonly PersonState[] {
  const { local, isLocked, enrolledAt } = person
  const end = local?.expiresAt ?? Number.POSITIVE_INFINITY
  const states: PersonState[] = []
  if (isLocked) states.push('locked')
  if (local?.enabled === false) states.push('disabled')
  if (end <= now) states.push('expired')
  else if (end < expiresBefore) states.push('expiring')
  if (local?.hasPassword === false) states.push('no_password')
  if (enrolledAt === undefined) states.push('not_enrolled')
  return states.length === 0 ? ['fine'] : states
}
