import type { Kysely, Migration } from 'kysely'

/** The login of a session is found by `sessions_by_user_and_address`. One index less is one page less for each login. */
export const unmatchedLogins: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.dropIndex('sessions_untied').execute()
  },
}
