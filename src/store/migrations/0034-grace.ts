import type { Kysely, Migration } from 'kysely'

/** Logins of users who had no second factor yet. */
export const grace: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable('grace')
      .addColumn('subject', 'text', (column) => column.primaryKey())
      .addColumn('logins', 'integer', (column) => column.notNull())
      .addColumn('last_at', 'bigint')
      // 1: the user has had an authenticator that was taken away.
      .addColumn('closed', 'integer', (column) => column.notNull())
      .execute()
  },
}
