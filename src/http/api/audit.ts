import { once } from 'node:events'
import type { Response } from 'express'
import type { AuditKind } from '../../domain/audit.ts'
import type { AuditSearch, AuditTrail } from '../../domain/audit-search.ts'
import { type AuditFileForm, csv, ndjson } from './audit-file.ts'
import type { Call, Handlers } from './call.ts'
import { addressIn, orderIn, stemIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { eventWire } from './wire.ts'

type Filter = Omit<AuditSearch, 'after' | 'limit'>

/** Events that are read, and written into the answer, at one time. */
const CHUNK = 500

export function auditRoutes({ trail }: { readonly trail: AuditTrail }): Handlers {
  return {
    async listAuditEvents(call) {
      const page = pageOf(call)
      return pageFrom(await trail.search({ ...filterIn(call), ...page }), page, ({ id }) => id, eventWire)
    },

    async exportAuditEvents(call) {
      const form = call.query('format') === 'csv' ? csv : ndjson
      await writeFile(call.response, form, trail, filterIn(call), call.number('limit'))
      return undefined
    },
  }
}

function filterIn(call: Call): Filter {
  return {
    user: stemIn(call),
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

/** A chunk is read when the one before has left; a client that reads slowly makes nothing pile up. */
async function writeFile(
  response: Response,
  form: AuditFileForm,
  trail: AuditTrail,
  filter: Filter,
  most: number,
): Promise<void> {
  // Before the head is sent: an outage is then still an answer.
  let events = await trail.search({ ...filter, limit: Math.min(CHUNK, most) })
  response.attachment(`audit-events.${form.extension}`).type(form.type)
  response.write(form.head)
  let left = most
  while (events.length > 0 && !response.closed) {
    left -= events.length
    if (!response.write(events.map(form.lineOf).join(''))) await drained(response)
    if (events.length < CHUNK || left === 0) break
    events = await trail.search({ ...filter, after: events.at(-1)?.id, limit: Math.min(CHUNK, left) })
  }
  response.end()
}

async function drained(response: Response): Promise<void> {
  const either = new AbortController()
  const { signal } = either
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  either.abort()
}
