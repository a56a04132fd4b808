import type { Request } from 'express'
import { LOCKOUT_HINTS, type LockoutHint } from '../../domain/lockout-hint.ts'
import { PORTAL } from '../../login/flow.ts'
import type { AdminConsole } from './console.ts'
import { listPage, maybeOf, oneOf, queryIn, searchText } from './filters.ts'

export const LIST_PATH = '/desk/lockouts'
const RELEASE_PATH = '/desk/lockouts/release'
export const STATES = ['in_force', 'ended', 'released'] as const

const TABS = [...LOCKOUT_HINTS, 'all'] as const
const SORTS = ['newest', 'oldest', 'name', 'first_ending'] as const
/** A form with a box for each row has at most as many fields as the pages take. */
const PAGE_SIZE = 40
/** Lockouts of one tab are counted no further. */
const MAX_COUNTED = 20_000

/** One page of lockouts, by what the address of the request asks for. */
export async function findLockouts(request: Request, admin: AdminConsole) {
  const { gateways, clock } = admin.services
  const records = admin.recordsOf(request)
  const query = queryIn(request)
  const { user, address } = query
  const state = oneOf(request, 'state', STATES)
  const gateway = maybeOf(request, 'gateway', [...gateways, PORTAL])
  const isInForce = state === 'in_force'
  const now = clock.now()
  const narrowed = { user, address, gateway }
  const counts =
    isInForce && !query.isInvalid ? await records.lockouts.countByHint(narrowed, now, MAX_COUNTED) : undefined
  const isSearch = query.typed !== ''
  const tab = maybeOf(request, 'tab', TABS) ?? (isSearch ? 'all' : firstWithAny(counts))
  const hint = tab === 'all' ? undefined : tab
  const sort = maybeOf(request, 'sort', isInForce ? SORTS : ['newest', 'oldest']) ?? 'newest'
  const shared = { q: query.typed, gateway }
  const filter = {
    ...shared,
    state: isInForce ? undefined : state,
    tab: counts && tab,
    sort: sort === 'newest' ? undefined : sort,
  }
  const search = { ...narrowed, hint, standing: { state, at: now }, order: sort }
  const page = await listPage(request, {
    path: LIST_PATH,
    filter,
    size: PAGE_SIZE,
    find: query.isInvalid ? undefined : (part) => records.lockouts.list({ ...search, ...part }),
  })
  const total = Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0)
  const countOf = (each: (typeof TABS)[number]) => (each === 'all' ? total : (counts?.[each] ?? 0))
  return {
    query,
    state,
    gateway,
    tab,
    sort,
    page,
    isInForce,
    now,
    /** Those that all of this tab means, without any that are made later. */
    search: { ...narrowed, hint },
    total,
    inTab: countOf(tab),
    tabs: (counts === undefined ? [] : TABS).map((each) => ({
      tab: each,
      count: countOf(each),
      isMore: countOf(each) >= MAX_COUNTED,
      href: searchText(LIST_PATH, { ...shared, tab: each }),
    })),
    sortLink: (other: (typeof SORTS)[number]) => searchText(LIST_PATH, { ...filter, sort: other }),
    isFiltered: isSearch || gateway !== undefined || !isInForce,
    live: searchText('/desk/lockouts/live', { ...filter, after: page.after }),
    release: searchText(RELEASE_PATH, { ...filter, after: page.after }),
  }
}

export type LockoutList = Awaited<ReturnType<typeof findLockouts>>

/** The probably honest come first; all of them while nobody is locked out. */
function firstWithAny(counts: Readonly<Record<LockoutHint, number>> | undefined): (typeof TABS)[number] {
  return LOCKOUT_HINTS.find((hint) => (counts?.[hint] ?? 0) > 0) ?? 'all'
}
