import type { LeaseStore } from '../../domain/address-pool.ts'
import type { Clock } from '../../domain/clock.ts'
import type { SessionDesk, SessionState } from '../../domain/session-search.ts'
import { Problem } from '../problem.ts'
import type { Handlers } from './call.ts'
import { addressIn, orderIn, stemIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { sessionWire } from './wire.ts'

interface SessionDependencies {
  readonly desk: SessionDesk
  readonly leases: Pick<LeaseStore, 'usage'>
  readonly clock: Clock
}

export function sessionRoutes({ desk, leases, clock }: SessionDependencies): Handlers {
  return {
    async listPools() {
      return { body: { items: await leases.usage() } }
    },

    async listSessions(call) {
      const page = pageOf(call)
      const now = clock.now()
      const state = call.query('state') as SessionState | undefined
      const found = await desk.search({
        user: stemIn(call),
        address: addressIn(call),
        gateway: call.query('gateway'),
        ip: addressIn(call, 'ip'),
        standing: state && { state, at: now },
        order: orderIn(call),
        ...page,
      })
      return pageFrom(
        found,
        page,
        ({ id }) => id,
        (session) => sessionWire(session, now),
      )
    },

    async getSession(call) {
      const session = await desk.find(call.path('id'))
      if (session === undefined) throw new Problem('not-found')
      return { body: sessionWire(session, clock.now()) }
    },
  }
}
