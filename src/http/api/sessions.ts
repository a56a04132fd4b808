import type { LeaseStore } from '../../domain/address-pool.ts'
import type { SessionDesk, SessionState } from '../../domain/session-search.ts'
import { Problem } from '../problem.ts'
import type { Handlers } from './call.ts'
import { addressIn, orderIn, stemIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { sessionWire } from './wire.ts'

interface SessionDependencies {
  readonly desk: SessionDesk
  readonly leases: Pick<LeaseStore, 'usage'>
}

export function sessionRoutes({ desk, leases }: SessionDependencies): Handlers {
  return {
    async listPools() {
      return { body: { items: await leases.usage() } }
    },

    async listSessions(call) {
      const page = pageOf(call)
      const found = await desk.search({
        user: stemIn(call),
        address: addressIn(call),
        gateway: call.query('gateway'),
        ip: addressIn(call, 'ip'),
        state: call.query('state') as SessionState | undefined,
        order: orderIn(call),
        ...page,
      })
      return pageFrom(found, page, ({ id }) => id, sessionWire)
    },

    async getSession(call) {
      const session = await desk.find(call.path('id'))
      if (session === undefined) throw new Problem('not-found')
      return { body: sessionWire(session) }
    },
  }
}
