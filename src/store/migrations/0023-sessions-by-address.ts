import { type Migration, sql } from 'kysely'

/**
 * Finds the sessions of a client's address, of its network, and of an address within the VPN; and the last that ended
 * of a user or an address that has very many.
 */
export const sessionsByAddress: Migration = {
  async up({ schema }) {
    const index = (name: string, columns: readonly string[], present: string) =>
      schema
        .createIndex(name)
        .on('sessions')
        .columns([...columns])
        .where(sql.ref(present), 'is not', null)
        .execute()
    for (const column of ['address', 'network', 'ipv4', 'ipv6'])
      await index(`sessions_of_${column}`, [column, 'id'], column)
    for (const column of ['user_stem', 'address'])
      await index(`sessions_ended_of_${column}`, [column, 'stopped_at', 'id'], 'stopped_at')
  },
}
