import { type Kysely, type Migration, sql } from 'kysely'

/**
 * Several authenticators for each subject, with names. Both tables are made anew, as SQLite cannot take the uniqueness of
 * the subject away. They are renamed first: then nobody else writes to them until this is done. Brokers of an older
 * version go on with logins and revocations, and cannot enrol.
 */
export const authenticators: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db
    await schema.alterTable('recovery_codes').renameTo('recovery_codes_before').execute()
    await schema.alterTable('enrolments').renameTo('enrolments_before').execute()
    await enrolments(db)
    await recoveryCodes(db)
    await schema.dropTable('recovery_codes_before').execute()
    await schema.dropTable('enrolments_before').execute()
    await schema
      .createIndex('enrolments_by_key')
      .on('enrolments')
      .expression(sql`substr(sealed_seed, 1, 33)`)
      .execute()
  },
}

const KEPT = sql.raw(
  'id, kind, subject, sealed_seed, digits, period, algorithm, last_step, drift_ms, created_at',
)

async function enrolments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('enrolments')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('slot', 'integer', (column) => column.notNull().defaultTo(1))
    .addColumn('name', 'text')
    .addColumn('sealed_seed', 'text', (column) => column.notNull())
    .addColumn('digits', 'integer', (column) => column.notNull())
    .addColumn('period', 'integer', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('last_step', 'bigint', (column) => column.notNull())
    .addColumn('drift_ms', 'bigint', (column) => column.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addUniqueConstraint('enrolments_of_a_subject', ['subject', 'slot'])
    .execute()
  await sql`insert into enrolments (${KEPT}) select ${KEPT} from enrolments_before`.execute(db)
}

async function recoveryCodes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('recovery_codes')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addColumn('enrolment', 'text')
    .addPrimaryKeyConstraint('recovery_codes_of_a_subject', ['subject', 'hash'])
    .execute()
  await sql`insert into recovery_codes (subject, hash, used_at)
    select subject, hash, used_at from recovery_codes_before`.execute(db)
}
