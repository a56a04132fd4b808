import { once } from 'node:events'
import type { Response } from 'express'
import type { AuditEvent, AuditKind } from '../../domain/audit.ts'
import type { AuditSearch, AuditTrail } from '../../domain/audit-search.ts'
import { type AuditFileForm, csv, ndjson } from './audit-file.ts'
import type { Call, Handlers } from './call.ts'
import { addressIn, orderIn, stemIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { eventWire } from './wire.ts'

type Filter = Omit<AuditSearch, 'after' | 'limit'>

/** Events that are read, and written into the answer, at one time. */
const CHUNK = 500
/** For a connection of a few kilobytes a second. */
const CHUNK_WITHIN_MS = 30_000

export interface AuditRoutesOptions {
  readonly trail: AuditTrail
  /** Milliseconds within which a client has to take each chunk of a file. */
  readonly chunkWithinMs?: number
}

export function auditRoutes({ trail, chunkWithinMs = CHUNK_WITHIN_MS }: AuditRoutesOptions): Handlers {
  return {
    async listAuditEvents(call) {
      const page = pageOf(call)
      return pageFrom(await trail.search({ ...filterIn(call), ...page }), page, ({ id }) => id, eventWire)
    },

    async exportAuditEvents(call) {
      const form = call.query('format') === 'csv' ? csv : ndjson
      const filter = filterIn(call)
      const chunk = (after: string | undefined, limit: number) => trail.search({ ...filter, after, limit })
      await writeFile(call.response, form, chunk, call.number('limit'), chunkWithinMs)
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
  chunk: (after: string | undefined, limit: number) => Promise<readonly AuditEvent[]>,
  most: number,
  withinMs: number,
): Promise<void> {
  // Before the head is sent: an outage is then still an answer.
  let events = await chunk(undefined, Math.min(CHUNK, most))
  response.attachment(`audit-events.${form.extension}`).type(form.type)
  response.write(form.head)
  let left = most
  while (events.length > 0 && !response.closed) {
    left -= events.length
    if (!response.write(events.map(form.lineOf).join(''))) await drained(response, withinMs)
    if (events.length < CHUNK || left === 0 || response.closed) break
    events = await chunk(events.at(-1)?.id, Math.min(CHUNK, left))
  }
  response.end()
}

async function drained(response: Response, withinMs: number): Promise<void> {
  const either = new AbortController()
  const { signal } = either
  const late = setTimeout(() => response.destroy(), withinMs)
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  clearTimeout(late)
  either.abort()
}
