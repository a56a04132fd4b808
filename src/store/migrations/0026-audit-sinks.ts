import { type Kysely, type Migration, sql } from 'kysely'
import { locksRows } from '../prepared.ts'
import type { Tables } from '../schema.ts'

/** The order in which audit events become visible, and how far each sink has been sent them. */
export const auditSinks: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db
    await schema
      .alterTable('audit_events')
      .addColumn('written', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
    // SQLite has one writer, which counts. The events of a broker of the version before get a number too.
    if (locksRows(db as Kysely<Tables>))
      await sql`alter table audit_events alter column written set default txid_current()`.execute(db)
    await schema
      .createIndex('audit_events_as_written')
      .on('audit_events')
      .columns(['written', 'id'])
      .execute()
    await schema
      .createTable('audit_sinks')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('written', 'bigint', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('dropped', 'bigint', (column) => column.notNull())
      .addColumn('holder', 'text')
      .addColumn('held_until', 'bigint')
      .addColumn('delivered_at', 'bigint')
      .addColumn('failing_since', 'bigint')
      .addColumn('fault', 'text')
      .execute()
  },
}
