import { type Kysely, type Migration, sql } from 'kysely'

/** Prefixes of pools, from their first to their last address, and the users' own IPv6 addresses, comparable with them. */
export const ipv6Leases: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('leases').addColumn('first_digits', 'text').execute()
    await schema.alterTable('leases').addColumn('last_digits', 'text').execute()
    await schema.alterTable('users').addColumn('ipv6_digits', 'text').execute()
    // Asked for each report of a session that names an IPv6 address.
    await schema
      .createIndex('leases_by_prefix')
      .on('leases')
      .column('first_digits')
      .where(sql.ref('first_digits'), 'is not', null)
      .execute()
    // Asked for each prefix that a login is given.
    await schema
      .createIndex('users_by_ipv6')
      .on('users')
      .column('ipv6_digits')
      .where(sql.ref('ipv6_digits'), 'is not', null)
      .execute()
  },
}
