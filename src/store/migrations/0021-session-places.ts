import { type Kysely, type Migration, sql } from 'kysely'

/** Which sessions take one of their user's places, and in which turn logins took them. */
export const sessionPlaces: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('sessions').addColumn('gave_way_at', 'bigint').execute()
    await schema.alterTable('sessions').addColumn('turn', 'bigint').execute()
    await schema
      .createIndex('sessions_standing')
      .on('sessions')
      .columns(['subject', 'user_stem'])
      .where(sql.ref('stopped_at'), 'is', null)
      .where(sql.ref('gave_way_at'), 'is', null)
      .execute()
    // Only where logins are written at the same time: of two in one turn, one is undone.
    await schema
      .createIndex('sessions_turn')
      .unique()
      .on('sessions')
      .columns(['subject', 'turn'])
      .where(sql.ref('turn'), 'is not', null)
      .execute()
  },
}
