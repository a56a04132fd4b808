import type { Router } from 'express'
import { isNearlyFull } from '../../domain/address-pool.ts'
import type { Session } from '../../domain/session.ts'
import { type SessionState, stateOf } from '../../domain/session-search.ts'
import { needs } from './admission.ts'
import type { Desk } from './desk.ts'
import { afterIn, listPage, maybeOf, oneOf, searchText, wantedIn } from './filters.ts'

const PAGE = 50
const STATES: readonly [SessionState | 'any', ...(SessionState | 'any')[]] = [
  'open',
  'granted',
  'silent',
  'ended',
  'any',
]

/** Who is connected, and who was. */
export function sessionRoutes(router: Router, desk: Desk): void {
  const { records, gateways, clock } = desk.dependencies

  router.get('/sessions', needs('sessions:read'), async (request, response) => {
    const wanted = wantedIn(request)
    const within = wantedIn(request, 'ip')
    const state = oneOf(request, 'state', STATES)
    const gateway = maybeOf(request, 'gateway', gateways)
    const after = afterIn(request)
    const isNothing = wanted.isNothing || (within.typed !== '' && within.address === undefined)
    const { user, address } = wanted
    const now = clock.now()
    const standing = state === 'any' ? undefined : { state, at: now }
    const search = { user, address, gateway, after, ip: within.address, standing }
    const page = isNothing
      ? { items: [], next: undefined }
      : await listPage(PAGE, (limit) => records.sessionDesk.search({ ...search, limit }))
    const pools = await records.leases.usage()
    const filter = { q: wanted.typed, ip: within.typed, gateway, state }
    desk.show(request, response, {
      view: 'sessions',
      title: ({ sessions }) => sessions.title,
      area: 'sessions',
      data: {
        ...{ wanted, within, state, gateway, states: STATES, sessions: page.items },
        stateOf: (session: Session) => stateOf(session, now),
        pools: pools.map((usage) => ({ ...usage, isNearlyFull: isNearlyFull(usage) })),
        isFirst: after === undefined,
        isFiltered: wanted.typed !== '' || within.typed !== '' || gateway !== undefined || state !== 'open',
        firstPage: searchText('/desk/sessions', filter),
        nextPage: page.next && searchText('/desk/sessions', { ...filter, after: page.next }),
      },
    })
  })
}
