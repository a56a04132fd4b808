import { type Kysely, type Migration, sql } from 'kysely'

/** What is needed to forget what is old, and to tell by which keys seeds are sealed without reading them all. */
export const keeping: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('login_state').addColumn('failed_at', 'bigint').execute()
    await schema.createIndex('login_state_by_time').on('login_state').column('failed_at').execute()
    await schema
      .createIndex('enrolments_by_key')
      .on('enrolments')
      .expression(sql`substr(sealed_seed, 1, 33)`)
      .execute()
  },
}
