import type { Kysely, Migration } from 'kysely'

/** Counts new passwords and disablings: a browser stays signed in only while the count is that of its sign-in. */
export const userRevisions: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .alterTable('users')
      .addColumn('revision', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
  },
}
