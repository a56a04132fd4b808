import type { Kysely, Migration } from 'kysely'

/** Failed guesses are counted for each account and factor, and apart for each address that counts by itself. */
export const failuresByAccount: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable('login_failures')
      .addColumn('user_stem', 'text', (column) => column.notNull())
      .addColumn('account', 'text', (column) => column.notNull())
      .addColumn('factor', 'text', (column) => column.notNull())
      .addColumn('place', 'text', (column) => column.notNull())
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('failed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('login_failures_key', ['user_stem', 'account', 'factor', 'place'])
      .execute()
    await schema.createIndex('login_failures_by_time').on('login_failures').column('failed_at').execute()
    await schema.dropTable('login_state').execute()
  },
}
