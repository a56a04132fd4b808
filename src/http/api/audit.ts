import type { AuditKind, AuditSearch } from '../../domain/audit.ts'
import type { HttpServices } from '../services.ts'
import { auditFile } from './audit-file.ts'
import type { Call, Handlers } from './call.ts'
import { addressIn, orderIn, usernameIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { sendFile } from './record-file.ts'
import { eventWire } from './wire.ts'

type AuditServices = { readonly records: { readonly audit: Pick<HttpServices['records']['audit'], 'list'> } }
type Filter = Omit<AuditSearch, 'after' | 'limit'>

/** @param chunkWithinMs how long a client may take to receive each chunk of a file. */
export function auditRoutes({ records }: AuditServices, chunkWithinMs?: number): Handlers {
  const { audit } = records
  return {
    async listAuditEvents(call) {
      const page = pageOf(call)
      return pageFrom(await audit.list({ ...filterIn(call), ...page }), page, eventWire)
    },

    async exportAuditEvents(call) {
      const filter = filterIn(call)
      await sendFile(call.response, {
        name: 'audit-events',
        form: auditFile[call.query('format') === 'csv' ? 'csv' : 'ndjson'],
        chunk: (after, limit) => audit.list({ ...filter, after: after?.id, limit }),
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
