import { type Migration, sql } from 'kysely'

/** Addresses of pools, each with the session that has it; and how long a session may be silent. */
export const leases: Migration = {
  async up({ schema }): Promise<void> {
    await schema.alterTable('sessions').addColumn('pool', 'text').execute()
    await schema.alterTable('sessions').addColumn('kept_ms', 'bigint').execute()
    await schema
      .createTable('leases')
      .addColumn('address', 'text', (column) => column.primaryKey())
      .addColumn('pool', 'text')
      .addColumn('subject', 'text')
      .addColumn('gateway', 'text')
      .addColumn('session', 'text')
      .addColumn('taken_at', 'bigint')
      .addColumn('heard_at', 'bigint')
      .addColumn('kept_ms', 'bigint')
      .addColumn('contested', 'integer', (column) => column.notNull())
      .addColumn('freed_at', 'bigint', (column) => column.notNull())
      .execute()
    // Asked at every login that a pool gives an address: the one that has been free for longest.
    await schema
      .createIndex('leases_free')
      .on('leases')
      .columns(['pool', 'freed_at'])
      .where(sql.ref('session'), 'is', null)
      .execute()
    await schema
      .createIndex('leases_by_subject')
      .on('leases')
      .columns(['subject', 'pool'])
      .where(sql.ref('subject'), 'is not', null)
      .execute()
    await schema
      .createIndex('leases_by_session')
      .on('leases')
      .column('session')
      .where(sql.ref('session'), 'is not', null)
      .execute()
  },
}
