import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import type { AuditEvent, AuditSearch, AuditStore, Tail, TailSearch, TrailPosition } from '../domain/audit.ts'
import { customerNetwork } from '../domain/network.ts'
import { earliestId, timeOfId } from '../domain/record-id.ts'
import { afterPosition, inOrderWritten, isSettled, upToPosition } from './audit-order.ts'
import { mappingOf } from './columns.ts'
import { isOver } from './is-over.ts'
import { type Param, paramsOf, prepared } from './prepared.ts'
import type { AuditEventRow, Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'
import { searchColumn, subnetOf } from './subnet-columns.ts'
import { isWithin } from './within-network.ts'

/** All events of an attempt are written within this time of its beginning. */
const ATTEMPT_WITHIN_MS = 10 * 60_000
/** The time of an event and that of its identifier are never further apart than this. */
const MADE_WITHIN_MS = 60 * 60_000

export class SqlAudit extends SqlRepository implements AuditStore {
  async append(event: AuditEvent): Promise<void> {
    await this.db
      .insertInto('audit_events')
      .values({ ...auditRow(event), ...inOrderWritten(this.db) })
      // A caller that does not know whether an event was written may append it again.
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
  }

  async list(search: AuditSearch): Promise<readonly AuditEvent[]> {
    const { order = 'newest', after, limit } = search
    let events = found(this.db, search)
    if (search.since !== undefined || search.before !== undefined) {
      const range = await this.#identifiersOf(search)
      if (range === undefined) return []
      events = events.where('id', '>=', range.first).where('id', '<', range.end)
    }
    if (after !== undefined) events = events.where('id', order === 'newest' ? '<' : '>', after)
    const sorted = events.orderBy('id', order === 'newest' ? 'desc' : 'asc')
    return (await sorted.limit(limit).execute()).map(eventOf)
  }

  /**
   * The identifiers between which the events of a time are: they are made with the time, and without this all later
   * events would be read on the way. @returns undefined where there is no event.
   */
  async #identifiersOf({
    since = 0,
    before = Number.MAX_SAFE_INTEGER,
  }: Pick<AuditSearch, 'since' | 'before'>): Promise<{ first: string; end: string } | undefined> {
    const within = this.db
      .selectFrom('audit_events')
      .select('id')
      .where('at', '>=', since)
      .where('at', '<', before)
      .limit(1)
    const oldest = await within.orderBy('at').executeTakeFirst()
    const newest = await within.orderBy('at', 'desc').executeTakeFirst()
    if (oldest === undefined || newest === undefined) return undefined
    const times = [oldest, newest].map(({ id }) => timeOfId(id) ?? 0).sort((one, other) => one - other)
    const [first = 0, last = 0] = times
    return { first: earliestId(first - MADE_WITHIN_MS), end: earliestId(last + MADE_WITHIN_MS) }
  }

  async positionOf(id: string): Promise<TrailPosition | undefined> {
    return this.db
      .selectFrom('audit_events')
      .select(['written', 'id'])
      .where('id', '=', id)
      .executeTakeFirst()
  }

  async tail({ after, limit, except, ...search }: TailSearch): Promise<Tail> {
    const end = except && (await this.#endOfPage(after, limit))
    let events = found(this.db, search)
      .select('written')
      .where(afterPosition(after))
      .where(isSettled(this.db))
    if (end !== undefined) events = events.where(upToPosition(end))
    if (except !== undefined)
      events = events.where((row) =>
        row.or([row('kind', 'not in', except.kinds), row('gateway', '=', except.butAt)]),
      )
    const rows = await events.orderBy('written').orderBy('id').limit(limit).execute()
    const last = end ?? rows.at(-1) ?? after
    return { events: rows.map(eventOf), end: { written: last.written, id: last.id } }
  }

  #endOfPage(after: TrailPosition, limit: number): Promise<TrailPosition | undefined> {
    const page = this.db
      .selectFrom('audit_events')
      .select(['written', 'id'])
      .where(afterPosition(after))
      .where(isSettled(this.db))
      .orderBy('written')
      .orderBy('id')
      .limit(limit)
    return this.db
      .selectFrom(page.as('page'))
      .select(['written', 'id'])
      .orderBy('written', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
  }
}

function found(db: Kysely<Tables>, search: Omit<AuditSearch, 'after' | 'order' | 'limit'>) {
  const { over, user, name, attempt, address, gateway, actor, kinds, reason, since, before } = search
  let events = db.selectFrom('audit_events').selectAll()
  if (over !== undefined) events = events.where(isOver(over, sql.ref('audit_events.user_name')))
  if (user !== undefined) events = events.where('user_name', '=', user)
  if (name !== undefined)
    events = events.where((row) => row.or([row('whole_name', '=', name), row('whole_name', 'is', null)]))
  if (attempt !== undefined) events = events.where(isOfAttempt(attempt))
  if (address !== undefined) events = events.where(isFrom(address))
  if (gateway !== undefined) events = events.where('gateway', '=', gateway)
  if (actor !== undefined) events = events.where('actor', '=', actor)
  if (kinds !== undefined) events = events.where('kind', 'in', kinds)
  if (reason !== undefined) events = events.where('reason', '=', reason)
  // An expression, which no index of times answers: sorting all of a week would take longer than finding a page.
  const at = sql<number>`${sql.ref('at')} + 0`
  if (since !== undefined) events = events.where(at, '>=', since)
  if (before !== undefined) events = events.where(at, '<', before)
  return events
}

/** The attempt has no index, which every login would write to: its events have identifiers of about its time. */
function isOfAttempt(attempt: string) {
  const at = timeOfId(attempt)
  return (row: ExpressionBuilder<Tables, 'audit_events'>) => {
    const found = row.or([row('attempt', '=', attempt), row('id', '=', attempt)])
    if (at === undefined) return found
    const [first, end] = [earliestId(at - ATTEMPT_WITHIN_MS), earliestId(at + ATTEMPT_WITHIN_MS)]
    return row.and([found, row('id', '>=', first), row('id', '<', end)])
  }
}

/** An event that names the address's whole network, such as a lockout, concerns the address as well. */
function isFrom(address: string) {
  const places = [...new Set([address, customerNetwork(address)])]
  return (row: ExpressionBuilder<Tables, 'audit_events'>) =>
    searchColumn(address) === 'address' ? row('address', 'in', places) : isWithin(address, row)
}

/** Writes events in the transaction that they describe. An identifier that exists already is an error. */
export async function writeEvents(db: Kysely<Tables>, events: readonly AuditEvent[]): Promise<void> {
  for (const event of events) await insertEvent(db, auditRow(event))
}

const { toRow, fromRow } = mappingOf<Omit<AuditEvent, 'clue'>, AuditEventRow>()({
  id: 'id',
  at: 'at',
  kind: 'kind',
  actor: 'actor',
  user: 'user_name',
  name: 'whole_name',
  address: 'address',
  gateway: 'gateway',
  reason: 'reason',
  detail: 'detail',
  times: 'times',
  attempt: 'attempt',
  steps: 'steps',
})

export function auditRow(event: AuditEvent): AuditEventRow {
  const { clue, address } = event
  return {
    ...toRow(event),
    network: subnetOf(address),
    clue: clue === undefined ? null : JSON.stringify(clue),
  }
}

function eventOf(row: AuditEventRow): AuditEvent {
  return row.clue === null ? fromRow(row) : { ...fromRow(row), clue: JSON.parse(row.clue) }
}

export const AUDIT_COLUMNS = Object.keys(
  auditRow({ id: '', at: 0, kind: 'login.accepted' }),
) as (keyof AuditEventRow)[]

const insertEvent = prepared((db, value: Param<AuditEventRow>) =>
  db.insertInto('audit_events').values({ ...paramsOf(value, AUDIT_COLUMNS), ...inOrderWritten(db) }),
)
