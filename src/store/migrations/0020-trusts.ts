import type { Kysely, Migration } from 'kysely'

/** Networks from which users are let in by password alone for some time; one of a kind for each user and network. */
export const trusts: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable('trusts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('user_stem', 'text', (column) => column.notNull())
      .addColumn('network', 'text', (column) => column.notNull())
      .addColumn('enrolment', 'text', (column) => column.notNull())
      .addColumn('record', 'text')
      .addColumn('sealed_password_hash', 'text')
      .addColumn('gateway', 'text', (column) => column.notNull())
      .addColumn('made_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('used_at', 'bigint')
      .addColumn('uses', 'integer', (column) => column.notNull())
      .addUniqueConstraint('trusts_of_a_user_in_a_network', ['subject', 'source', 'network'])
      .execute()
    await schema.createIndex('trusts_by_user').on('trusts').columns(['user_stem', 'id']).execute()
    await schema.createIndex('trusts_by_end').on('trusts').column('expires_at').execute()
  },
}
