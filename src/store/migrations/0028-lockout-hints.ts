import { type Kysely, type Migration, sql } from 'kysely'

/** Keeps the hint of a lockout from when it was made, and finds those in force by it. */
export const lockoutHints: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db
    await schema
      .alterTable('lockouts')
      .addColumn('hint', 'text', (column) => column.notNull().defaultTo('new_place'))
      .execute()
    const [hint, cause, scope] = [sql.ref('hint'), sql.ref('cause'), sql.ref('scope')]
    await sql`update lockouts set ${hint} = case
      when ${cause} in ('by_hand', 'password_known') then ${cause} else 'guessing' end
      where ${cause} in ('by_hand', 'password_known') or ${scope} = 'address'`.execute(db)
    await schema
      .createIndex('lockouts_by_hint')
      .on('lockouts')
      .columns(['hint', 'ends_at', 'id'])
      .where(sql.ref('released_at'), 'is', null)
      .execute()
  },
}
