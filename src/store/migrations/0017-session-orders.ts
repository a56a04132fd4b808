import { type Kysely, type Migration, sql } from 'kysely'

/** What gateways are told to end, and the agents that run beside them. */
export const sessionOrders: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable('session_orders')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('gateway', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('target_kind', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('ordered_by', 'text', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('user_name', 'text')
      .addColumn('tries', 'integer', (column) => column.notNull())
      .addColumn('claimed_until', 'bigint')
      .addColumn('done_at', 'bigint')
      .addColumn('outcome', 'text')
      .addColumn('detail', 'text')
      .execute()
    const isOpen = sql<boolean>`${sql.ref('done_at')} is null`
    await schema
      .createIndex('session_orders_open')
      .unique()
      .on('session_orders')
      .columns(['gateway', 'kind', 'target_kind', 'target'])
      .where(isOpen)
      .execute()
    await schema.createIndex('session_orders_by_target').on('session_orders').column('target').execute()
    await schema.createIndex('session_orders_by_time').on('session_orders').column('done_at').execute()

    await schema
      .createTable('agents')
      .addColumn('gateway', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('protocol', 'integer', (column) => column.notNull())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('ocserv_version', 'text')
      .addColumn('token', 'text', (column) => column.notNull())
      .addColumn('heard_at', 'bigint', (column) => column.notNull())
      .addColumn('sessions', 'integer', (column) => column.notNull())
      .addColumn('bans', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('agents_key', ['gateway', 'host'])
      .execute()

    await schema.alterTable('sessions').addColumn('agent', 'text').execute()
    await schema.alterTable('sessions').addColumn('missed_at', 'bigint').execute()
  },
}
