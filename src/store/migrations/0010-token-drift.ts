import type { Kysely, Migration } from 'kysely'

/** How far the clock of each token is ahead of the broker's, in milliseconds. */
export const tokenDrift: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .alterTable('enrolments')
      .addColumn('drift_ms', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
  },
}
