import type { Kysely, Migration } from 'kysely'

/** Mails that wait and those that were sent, and the addresses of local users. */
export const mail: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('users').addColumn('mail', 'text').execute()
    await schema.alterTable('users').addColumn('language', 'text').execute()
    await schema
      .createTable('mails')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('user_stem', 'text', (column) => column.notNull())
      .addColumn('recipient', 'text', (column) => column.notNull())
      .addColumn('sealed', 'text')
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('due_at', 'bigint', (column) => column.notNull())
      .addColumn('tries', 'integer', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('fault', 'text')
      .addColumn('holder', 'text')
      .addColumn('held_until', 'bigint')
      .execute()
    await schema.createIndex('mails_by_state').on('mails').columns(['state', 'due_at', 'id']).execute()
    await schema.createIndex('mails_of_a_user').on('mails').columns(['user_stem', 'created_at']).execute()
    await schema.createIndex('mails_by_age').on('mails').column('created_at').execute()
  },
}
