import type { CreateTableBuilder, Kysely, Migration } from 'kysely'

/** What was used by day, which outlives the sessions, and what is kept for quotas. */
export const usage: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await counted(schema.createTable('usage_days').addColumn('subject', 'text', (column) => column.notNull()))
      .addPrimaryKeyConstraint('usage_days_key', ['subject', 'day', 'gateway', 'policy'])
      .execute()
    await schema.createIndex('usage_days_by_day').on('usage_days').column('day').execute()
    await counted(
      schema.createTable('usage_totals').addColumn('part', 'integer', (column) => column.notNull()),
    )
      .addPrimaryKeyConstraint('usage_totals_key', ['day', 'policy', 'gateway', 'part'])
      .execute()
    await schema
      .createTable('quota_marks')
      .addColumn('quota', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('mark', 'text', (column) => column.notNull())
      .addColumn('day', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('quota_marks_key', ['subject', 'quota', 'mark'])
      .execute()
    await schema.createIndex('quota_marks_by_day').on('quota_marks').column('day').execute()
    await schema
      .createTable('quota_additions')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('day', 'text', (column) => column.notNull())
      .addColumn('octets', 'bigint', (column) => column.notNull())
      .addColumn('seconds', 'bigint', (column) => column.notNull())
      .execute()
    await schema.createIndex('quota_additions_of').on('quota_additions').columns(['subject', 'day']).execute()
    await schema.createIndex('quota_additions_by_day').on('quota_additions').column('day').execute()
  },
}

function counted<Name extends string, Column extends string>(table: CreateTableBuilder<Name, Column>) {
  return table
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('gateway', 'text', (column) => column.notNull())
    .addColumn('policy', 'text', (column) => column.notNull())
    .addColumn('seconds', 'bigint', (column) => column.notNull())
    .addColumn('octets_in', 'bigint', (column) => column.notNull())
    .addColumn('octets_out', 'bigint', (column) => column.notNull())
}
