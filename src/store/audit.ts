import type { Kysely } from 'kysely'
import type { AuditEvent, AuditFilter, AuditStore } from '../domain/audit.ts'
import { withoutNulls } from './absent.ts'
import { networkColumn } from './places.ts'
import { type Place, placesOf, prepared } from './prepared.ts'
import type { AuditEventRow, Tables } from './schema.ts'

export class SqlAudit implements AuditStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async append(event: AuditEvent): Promise<void> {
    await this.#db
      .insertInto('audit_events')
      .values(auditRow(event))
      // Whoever was not told whether an event was kept may hand it in again.
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
  }

  async list({ user, kind, since, before, after, limit }: AuditFilter): Promise<readonly AuditEvent[]> {
    let events = this.#db.selectFrom('audit_events').selectAll()
    if (user !== undefined) events = events.where('user_name', '=', user)
    if (kind !== undefined) events = events.where('kind', '=', kind)
    if (since !== undefined) events = events.where('at', '>=', since)
    if (before !== undefined) events = events.where('at', '<', before)
    if (after !== undefined) events = events.where('id', '<', after)
    return (await events.orderBy('id', 'desc').limit(limit).execute()).map(eventOf)
  }
}

/** Writes events as a part of what they tell of: an identifier that is there already is an error. */
export async function writeEvents(db: Kysely<Tables>, events: readonly AuditEvent[]): Promise<void> {
  for (const event of events) await insertEvent(db, auditRow(event))
}

export const AUDIT_COLUMNS = [
  'id',
  'at',
  'kind',
  'actor',
  'user_name',
  'address',
  'network',
  'gateway',
  'reason',
  'detail',
] as const satisfies (keyof AuditEventRow)[]

const insertEvent = prepared((db, value: Place<AuditEventRow>) =>
  db.insertInto('audit_events').values(placesOf(value, AUDIT_COLUMNS)),
)

export function auditRow(event: AuditEvent): AuditEventRow {
  return {
    id: event.id,
    at: event.at,
    kind: event.kind,
    actor: event.actor ?? null,
    user_name: event.user ?? null,
    address: event.address ?? null,
    network: networkColumn(event.address),
    gateway: event.gateway ?? null,
    reason: event.reason ?? null,
    detail: event.detail ?? null,
  }
}

export function eventOf({ user_name: user, network: _, ...row }: AuditEventRow): AuditEvent {
  return withoutNulls({ ...row, user })
}
