import { type Kysely, type Migration, sql } from 'kysely'

/** Lockouts of one directory's account, and where a subject was let in from, by whatever name. */
export const directoryLockouts: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('lockouts').addColumn('source', 'text').execute()
    await schema.alterTable('lockouts').addColumn('subject', 'text').execute()
    await schema
      .createIndex('lockouts_by_source_and_subject')
      .on('lockouts')
      .columns(['source', 'subject', 'ends_at'])
      .where(sql.ref('source'), 'is not', null)
      .execute()
    await schema
      .createIndex('sessions_by_subject')
      .on('sessions')
      .columns(['subject', 'granted_at'])
      .where(sql.ref('granted_at'), 'is not', null)
      .execute()
  },
}
