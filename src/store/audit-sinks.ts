import type { Kysely } from 'kysely'
import type { TrailPosition } from '../domain/audit.ts'
import {
  type SinkState,
  type SinkStore,
  type SinkTurn,
  WAITING_AT_MOST,
  type Waiting,
} from '../domain/audit-sink.ts'
import { afterPosition, endOfTrail } from './audit-order.ts'
import type { AuditSinkRow } from './audit-schema.ts'
import { mappingOf } from './columns.ts'
import { locksRows, transact } from './prepared.ts'
import type { Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlSinks extends SqlRepository implements SinkStore {
  async list(): Promise<readonly SinkState[]> {
    return (await this.db.selectFrom('audit_sinks').selectAll().orderBy('name').execute()).map(stateOf)
  }

  take({ name, holder, now, until }: SinkTurn): Promise<SinkState | undefined> {
    return transact(this.db, async (db) => {
      const isThere = await db
        .selectFrom('audit_sinks')
        .select('name')
        .where('name', '=', name)
        .executeTakeFirst()
      if (isThere === undefined)
        await db
          .insertInto('audit_sinks')
          .values({ name, ...(await endOfTrail(db)), dropped: 0 })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .execute()
      let free = db.updateTable('audit_sinks').set({ holder, held_until: until }).where('name', '=', name)
      // The file is one broker's: the broker that had the turn before has ended.
      if (locksRows(db))
        free = free.where((row) =>
          row.or([row('holder', '=', holder), row('held_until', 'is', null), row('held_until', '<=', now)]),
        )
      const row = await free.returningAll().executeTakeFirst()
      return row && stateOf(row)
    })
  }

  async advance({ name, holder, now, until }: SinkTurn, position: TrailPosition): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('audit_sinks')
      .set({ ...position, held_until: until, delivered_at: now, failing_since: null, fault: null })
      .where('name', '=', name)
      .where('holder', '=', holder)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  async fail({ name, holder, now, until }: SinkTurn, fault: string): Promise<void> {
    await this.db
      .updateTable('audit_sinks')
      .set((row) => ({
        fault,
        held_until: until,
        failing_since: row.fn.coalesce('failing_since', row.val<number | null>(now)),
      }))
      .where('name', '=', name)
      .where('holder', '=', holder)
      .execute()
  }

  async release(holder: string): Promise<void> {
    await this.db
      .updateTable('audit_sinks')
      .set({ holder: null, held_until: null })
      .where('holder', '=', holder)
      .execute()
  }

  async waiting(position: TrailPosition): Promise<Waiting> {
    const after = this.db.selectFrom('audit_events').where(afterPosition(position))
    const some = after.select('id').limit(WAITING_AT_MOST)
    const count = this.db.selectFrom(some.as('some')).select((row) => row.fn.countAll().as('events'))
    const first = after.select('at').orderBy('written').orderBy('id').limit(1)
    const { events } = await count.executeTakeFirstOrThrow()
    return { events: Number(events), since: (await first.executeTakeFirst())?.at }
  }
}

/** Before these events are deleted: those that a sink has not been sent yet are lost to it, and counted. */
export async function countDropped(db: Kysely<Tables>, ids: readonly string[]): Promise<void> {
  const sinks = await db.selectFrom('audit_sinks').select(['name', 'written', 'id']).execute()
  for (const { name, ...position } of sinks) {
    const { count } = await db
      .selectFrom('audit_events')
      .select((row) => row.fn.countAll().as('count'))
      .where('id', 'in', ids)
      .where(afterPosition(position))
      .executeTakeFirstOrThrow()
    if (Number(count) === 0) continue
    await db
      .updateTable('audit_sinks')
      .set((row) => ({ dropped: row('dropped', '+', Number(count)) }))
      .where('name', '=', name)
      .execute()
  }
}

const { fromRow } = mappingOf<Omit<SinkState, 'position'>, AuditSinkRow>()({
  name: 'name',
  dropped: 'dropped',
  deliveredAt: 'delivered_at',
  failingSince: 'failing_since',
  fault: 'fault',
})

function stateOf(row: AuditSinkRow): SinkState {
  return { ...fromRow(row), position: { written: row.written, id: row.id } }
}
