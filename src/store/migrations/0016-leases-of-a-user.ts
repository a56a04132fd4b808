import { type Kysely, type Migration, sql } from 'kysely'

/** The address that a user had last, and the sessions of one user, are found whatever the number of addresses the user has had. */
export const leasesOfAUser: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.dropIndex('leases_by_subject').execute()
    await schema
      .createIndex('leases_usual')
      .on('leases')
      .columns(['subject', 'pool', 'freed_at'])
      .where(sql.ref('subject'), 'is not', null)
      .where(sql.ref('session'), 'is', null)
      .execute()
    await schema
      .createIndex('leases_of_subject')
      .on('leases')
      .columns(['subject', 'gateway', 'taken_at'])
      .where(sql.ref('subject'), 'is not', null)
      .where(sql.ref('session'), 'is not', null)
      .execute()
  },
}
