import { type ExpressionBuilder, type Kysely, type RawBuilder, sql } from 'kysely'
import type { TrailPosition } from '../domain/audit.ts'
import { locksRows } from './prepared.ts'
import type { Tables } from './schema.ts'

/**
 * The column by which events are in the order in which they become visible. PostgreSQL numbers them by their transaction
 * (the column's default). SQLite has one writer at a time, which takes the next number; it never takes one a second time,
 * though all events may have been deleted meanwhile.
 */
export function inOrderWritten(db: Kysely<Tables>): { readonly written?: RawBuilder<number> } {
  return locksRows(db) ? {} : { written: NEXT }
}

const NEXT = sql<number>`(
  select coalesce(max(written), 0) + 1 from (
    select max(written) as written from audit_events union all select max(written) from audit_sinks))`

/**
 * Whether no event can appear any more before this one. In PostgreSQL transactions end in another order than they
 * begin: those before the oldest that is still running have all ended.
 */
export function isSettled(db: Kysely<Tables>): RawBuilder<boolean> {
  return locksRows(db) ? sql<boolean>`written < ${OLDEST_RUNNING}` : sql<boolean>`true`
}

const OLDEST_RUNNING = sql<number>`txid_snapshot_xmin(txid_current_snapshot())`

/** Every event that is settled now is before it, and none that comes. */
export async function endOfTrail(db: Kysely<Tables>): Promise<TrailPosition> {
  const next = locksRows(db) ? OLDEST_RUNNING : NEXT
  const row = await db.selectNoFrom(next.as('written')).executeTakeFirstOrThrow()
  return { written: Number(row.written), id: '' }
}

export function afterPosition({ written, id }: TrailPosition) {
  return (row: ExpressionBuilder<Tables, 'audit_events'>) =>
    row(row.refTuple('written', 'id'), '>', row.tuple(written, id))
}

export function upToPosition({ written, id }: TrailPosition) {
  return (row: ExpressionBuilder<Tables, 'audit_events'>) =>
    row(row.refTuple('written', 'id'), '<=', row.tuple(written, id))
}

/**
 * Records that came from another server, by a dump or `storage copy`, may have numbers that this one has not reached yet:
 * they are moved before all that it will give, in the same order, and so are the cursors.
 */
export async function bringOrderHome(db: Kysely<Tables>): Promise<void> {
  if (!locksRows(db)) return
  const { rows } = await sql<{ last: number | null; next: number }>`
    select greatest((select max(written) from audit_events), (select max(written) from audit_sinks)) as last,
      txid_snapshot_xmax(txid_current_snapshot()) as next`.execute(db)
  const [{ last, next } = { last: null, next: 0 }] = rows
  if (last === null || Number(last) <= Number(next)) return
  await db.transaction().execute(async (moving) => {
    const before = (row: ExpressionBuilder<Tables, 'audit_events' | 'audit_sinks'>) => ({
      written: row('written', '-', Number(last) + 1),
    })
    await moving
      .updateTable('audit_events')
      .set(before as never)
      .execute()
    await moving
      .updateTable('audit_sinks')
      .set(before as never)
      .execute()
  })
}
