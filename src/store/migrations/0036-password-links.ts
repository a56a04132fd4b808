import type { Kysely, Migration } from 'kysely'

/** The link by which a local user chooses a password: one for each user at most. */
export const passwordLinks: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable('password_links')
      .addColumn('user_name', 'text', (column) =>
        column.primaryKey().references('users.name').onDelete('cascade'),
      )
      .addColumn('hash', 'text', (column) => column.notNull().unique())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('used_at', 'bigint')
      .execute()
  },
}
