import type { SessionSearch, SessionState } from '../../domain/session.ts'
import { lastOrders } from '../../manage/last-orders.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import type { Call, Handlers } from './call.ts'
import { addressIn, orderIn, usernameIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { sendFile } from './record-file.ts'
import { sessionFile } from './session-file.ts'
import { sessionWire } from './wire.ts'

export function sessionRoutes({ records, recordsOf, clock }: HttpServices): Handlers {
  return {
    async listPools() {
      return { body: { items: await records.leases.usage() } }
    },

    async listSessions(call) {
      const page = pageOf(call)
      const now = clock.now()
      const found = await recordsOf(call.caller).sessions.list({ ...filterIn(call, now), ...page })
      const orderOf = await lastOrders(found, records.orders)
      return pageFrom(found, page, (session) => sessionWire(session, now, orderOf(session)))
    },

    async exportSessions(call) {
      const now = clock.now()
      const filter = filterIn(call, now)
      await sendFile(call.response, {
        name: 'sessions',
        form: sessionFile(now)[call.query('format') === 'csv' ? 'csv' : 'ndjson'],
        chunk: (after, limit) => recordsOf(call.caller).sessions.list({ ...filter, after: after?.id, limit }),
        most: call.number('limit'),
      })
      return undefined
    },

    async getSession(call) {
      const session = await recordsOf(call.caller).sessions.find(call.path('id'))
      if (session === undefined) throw new Problem('not-found')
      const orderOf = await lastOrders([session], records.orders)
      return { body: sessionWire(session, clock.now(), orderOf(session)) }
    },
  }
}

function filterIn(call: Call, now: number): Omit<SessionSearch, 'after' | 'limit'> {
  const state = call.query('state') as SessionState | undefined
  return {
    user: usernameIn(call),
    address: addressIn(call),
    gateway: call.query('gateway'),
    ip: addressIn(call, 'ip'),
    isUnknown: call.query('unknown') === 'true',
    standing: state && { state, at: now },
    order: orderIn(call),
  }
}
