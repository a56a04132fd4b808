import type { Kysely, Migration } from 'kysely'

/** How often what one event says has happened; null for once. */
export const repeatedEvents: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('audit_events').addColumn('times', 'integer').execute()
  },
}
