import { type AuditKind, type AuditSearch, TRAIL_START } from '../../domain/audit.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { auditFile } from './audit-file.ts'
import type { Answer, Call, Handlers } from './call.ts'
import { addressIn, orderIn, usernameIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { sendFile } from './record-file.ts'
import { eventWire } from './wire.ts'

type AuditServices = Pick<HttpServices, 'recordsOf'>

/** In place of an identifier: the trail from its beginning. */
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'
const FORGOTTEN = {
  detail: 'The event in after is not kept, or no longer: what came after it may be lost too.',
}
const NOT_WITH_CURSOR = { errors: [{ path: '/query/after', message: 'has no meaning with cursor' }] }

type Filter = Omit<AuditSearch, 'after' | 'limit'>

/** @param chunkWithinMs how long a client may take to receive each chunk of a file. */
export function auditRoutes({ recordsOf }: AuditServices, chunkWithinMs?: number): Handlers {
  async function follow(call: Call, last: string): Promise<Answer> {
    const { audit } = recordsOf(call.caller)
    if (call.query('cursor') !== undefined) throw new Problem('invalid-request', NOT_WITH_CURSOR)
    const after = last === BEFORE_ALL ? TRAIL_START : await audit.positionOf(last)
    if (after === undefined) throw new Problem('gone', FORGOTTEN)
    const { order: _, ...filter } = filterIn(call)
    const { events } = await audit.tail({ ...filter, after, limit: call.number('limit') })
    return { body: { items: events.map(eventWire) } }
  }

  return {
    async listAuditEvents(call) {
      const last = call.query('after')
      if (last !== undefined) return follow(call, last)
      const page = pageOf(call)
      return pageFrom(
        await recordsOf(call.caller).audit.list({ ...filterIn(call), ...page }),
        page,
        eventWire,
      )
    },

    async exportAuditEvents(call) {
      const filter = filterIn(call)
      await sendFile(call.response, {
        name: 'audit-events',
        form: auditFile[call.query('format') === 'csv' ? 'csv' : 'ndjson'],
        chunk: (after, limit) => recordsOf(call.caller).audit.list({ ...filter, after: after?.id, limit }),
        most: call.number('limit'),
        withinMs: chunkWithinMs,
      })
      return undefined
    },
  }
}

function filterIn(call: Call): Filter {
  return {
    user: usernameIn(call),
    address: addressIn(call),
    gateway: call.query('gateway'),
    actor: call.query('actor'),
    kinds: call.list('kind') as readonly AuditKind[] | undefined,
    reason: call.query('reason'),
    since: call.time('since'),
    before: call.time('before'),
    order: orderIn(call),
  }
}
