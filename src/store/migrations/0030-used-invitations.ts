import type { Kysely, Migration } from 'kysely'

/** Keeps an invitation after its use. Its end is moved to that time, so that no broker of an older version takes it again. */
export const usedInvitations: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable('invitations').addColumn('used_at', 'bigint').execute()
  },
}
