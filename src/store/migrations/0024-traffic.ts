import type { Kysely, Migration } from 'kysely'

/** What became of the datagrams of each source address: the newest of them. */
export const traffic: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable('traffic')
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('gateway', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('class', 'text', (column) => column.notNull())
      .addColumn('count', 'bigint', (column) => column.notNull())
      .addColumn('first_at', 'bigint', (column) => column.notNull())
      .addColumn('last_at', 'bigint', (column) => column.notNull())
      .addColumn('detail', 'text')
      .addPrimaryKeyConstraint('traffic_key', ['source', 'gateway', 'kind', 'outcome'])
      .execute()
    await schema.createIndex('traffic_newest').on('traffic').columns(['class', 'last_at']).execute()
  },
}
