import { type Kysely, type Migration, sql } from 'kysely'

/** Where a user was let in from. Asked at every attempt while a lockout of the user is in force. */
export const knownAddresses: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createIndex('sessions_by_user_and_address')
      .on('sessions')
      .columns(['user_stem', 'address', 'granted_at'])
      .where(sql.ref('granted_at'), 'is not', null)
      .execute()
  },
}
