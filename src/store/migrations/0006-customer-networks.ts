import { type Kysely, type Migration, sql } from 'kysely'

/**
 * The network around an IPv6 address, by which lockouts name it. Rows from before have none: an address from then is
 * known no longer, and found by the address alone.
 */
export const customerNetworks: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('sessions').addColumn('network', 'text').execute()
    await schema
      .createIndex('sessions_by_user_and_network')
      .on('sessions')
      .columns(['user_stem', 'network', 'granted_at'])
      .where(sql.ref('network'), 'is not', null)
      .execute()
    await schema.alterTable('audit_events').addColumn('network', 'text').execute()
    await schema
      .createIndex('audit_events_by_network')
      .on('audit_events')
      .columns(['network', 'id'])
      .where(sql.ref('network'), 'is not', null)
      .execute()
  },
}
