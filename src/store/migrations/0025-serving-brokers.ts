import type { Kysely, Migration } from 'kysely'

/** The brokers that serve by these records, with digests of what they must have in common; and what is told of wrong codes. */
export const servingBrokers: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable('serving_brokers')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .addColumn('ahead_ms', 'bigint', (column) => column.notNull())
      .addColumn('keys', 'text', (column) => column.notNull())
      .addColumn('policies', 'text', (column) => column.notNull())
      .addColumn('pools', 'text', (column) => column.notNull())
      .execute()
    await schema.alterTable('audit_events').addColumn('clue', 'text').execute()
  },
}
