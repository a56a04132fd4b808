import { type Kysely, type Migration, sql } from 'kysely'

/**
 * Attempts are counted from an index alone, which holds all that they are grouped by. It takes the place of one that
 * began alike, as every login writes to each.
 */
async function attemptsByTime({ schema }: Kysely<unknown>): Promise<void> {
  await schema.dropIndex('audit_events_by_time_and_kind').execute()
  await schema
    .createIndex('audit_events_by_time')
    .on('audit_events')
    .columns(['at', 'kind', 'reason', 'network', 'address', 'user_name', 'gateway', 'times'])
    .execute()
}

/**
 * The /24 around an IPv4 address, by which attempts and sessions are found and grouped as those of IPv6 are. What an
 * older broker writes meanwhile is found by its address alone.
 */
export const networksOfAttempts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const table of ['audit_events', 'sessions'])
      await sql`
        update ${sql.table(table)} set network = rtrim(address, '0123456789') || '0/24'
        where network is null and address like '%.%.%.%' and address not like '%:%' and address not like '%/%'
      `.execute(db)
    await attemptsByTime(db)
  },
}
