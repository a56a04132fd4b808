import type { Kysely, Migration } from 'kysely'

/** The whole names of users who differ by their realm, and the steps of each login. */
export const wholeNames: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    for (const column of ['whole_name', 'attempt', 'steps'])
      await schema.alterTable('audit_events').addColumn(column, 'text').execute()
    await schema.alterTable('lockouts').addColumn('whole_name', 'text').execute()
  },
}
