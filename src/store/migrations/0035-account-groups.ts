import type { Kysely, Migration } from 'kysely'

/** What identity stores have last said of the groups of accounts of which the broker has no record. */
export const accountGroups: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db
    await schema
      .createTable('account_groups')
      .addColumn('user_stem', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('group_name', 'text', (column) => column.notNull())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('account_groups_key', ['user_stem', 'source', 'subject', 'group_name'])
      .execute()
  },
}
