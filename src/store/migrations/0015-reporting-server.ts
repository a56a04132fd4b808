import type { Kysely, Migration } from 'kysely'

/** Which server of its gateway reports a session, so that its restart ends this session and no other. */
export const reportingServer: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('sessions').addColumn('nas', 'text').execute()
  },
}
