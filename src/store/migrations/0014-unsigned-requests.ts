import type { Kysely, Migration } from 'kysely'

/** When a request of a client that signs was last dropped because it was not signed. */
export const unsignedRequests: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('gateway_state').addColumn('unsigned_at', 'bigint').execute()
  },
}
