import { type Kysely, type Migration, sql } from 'kysely'

/** The first shape of the records. */
export const records: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await users(db)
    await enrolments(db)
    await lockouts(db)
    await sessions(db)
    await auditEvents(db)
    await db.schema
      .createTable('gateway_state')
      .addColumn('key', 'text', (column) => column.primaryKey())
      .execute()
  },
}

async function users({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('users')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('password_hash', 'text')
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('ipv4', 'text', (column) => column.unique())
    .addColumn('ipv6', 'text', (column) => column.unique())
    .addColumn('attributes', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
  await schema
    .createTable('user_groups')
    .addColumn('user_name', 'text', (column) => column.notNull().references('users.name').onDelete('cascade'))
    .addColumn('group_name', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('user_groups_key', ['user_name', 'group_name'])
    .execute()
  await schema.createIndex('user_groups_by_group').on('user_groups').column('group_name').execute()
}

async function enrolments({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('enrolments')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text')
    .addColumn('subject', 'text', (column) => column.notNull().unique())
    .addColumn('sealed_seed', 'text', (column) => column.notNull())
    .addColumn('digits', 'integer', (column) => column.notNull())
    .addColumn('period', 'integer', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('last_step', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
  await schema
    .createTable('recovery_codes')
    .addColumn('subject', 'text', (column) =>
      column.notNull().references('enrolments.subject').onDelete('cascade'),
    )
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addPrimaryKeyConstraint('recovery_codes_key', ['subject', 'hash'])
    .execute()
}

async function lockouts({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('lockouts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('cause', 'text', (column) => column.notNull())
    .addColumn('user_stem', 'text')
    .addColumn('address', 'text')
    .addColumn('gateway', 'text')
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('ends_at', 'bigint', (column) => column.notNull())
    .addColumn('released_at', 'bigint')
    .addColumn('released_by', 'text')
    .addColumn('release_reason', 'text')
    .execute()
  // Asked at every login: the locks of this user, and those of this address, that have not ended.
  await schema
    .createIndex('lockouts_by_user')
    .on('lockouts')
    .columns(['user_stem', 'ends_at'])
    .where(sql.ref('user_stem'), 'is not', null)
    .execute()
  await schema
    .createIndex('lockouts_by_address')
    .on('lockouts')
    .columns(['address', 'ends_at'])
    .where(sql.ref('user_stem'), 'is', null)
    .execute()
  await schema
    .createTable('login_state')
    .addColumn('user_stem', 'text', (column) => column.primaryKey())
    .addColumn('consecutive_failures', 'integer', (column) => column.notNull())
    .execute()
}

async function sessions({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('gateway', 'text', (column) => column.notNull())
    .addColumn('user_name', 'text', (column) => column.notNull())
    .addColumn('user_stem', 'text', (column) => column.notNull())
    .addColumn('subject', 'text')
    .addColumn('address', 'text')
    .addColumn('acct_session', 'text')
    .addColumn('policy', 'text')
    .addColumn('ipv4', 'text')
    .addColumn('ipv6', 'text')
    .addColumn('client', 'text')
    .addColumn('granted_at', 'bigint')
    .addColumn('started_at', 'bigint')
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('stopped_at', 'bigint')
    .addColumn('terminate_cause', 'text')
    .addColumn('seconds', 'bigint', (column) => column.notNull())
    .addColumn('octets_in', 'bigint', (column) => column.notNull())
    .addColumn('octets_out', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute()
  await schema
    .createIndex('sessions_by_acct_session')
    .unique()
    .on('sessions')
    .columns(['gateway', 'acct_session'])
    .execute()
  // Granted and not yet named by accounting: few at any time, searched at every Start.
  await schema
    .createIndex('sessions_untied')
    .on('sessions')
    .columns(['gateway', 'address', 'granted_at'])
    .where(sql.ref('acct_session'), 'is', null)
    .execute()
  await schema
    .createIndex('sessions_open')
    .on('sessions')
    .column('id')
    .where(sql.ref('stopped_at'), 'is', null)
    .execute()
  await schema.createIndex('sessions_by_user').on('sessions').columns(['user_stem', 'id']).execute()
}

async function auditEvents({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('audit_events')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('actor', 'text')
    .addColumn('user_name', 'text')
    .addColumn('address', 'text')
    .addColumn('gateway', 'text')
    .addColumn('reason', 'text')
    .addColumn('detail', 'text')
    .execute()
  await schema.createIndex('audit_events_by_user').on('audit_events').columns(['user_name', 'id']).execute()
  await schema.createIndex('audit_events_by_kind').on('audit_events').columns(['kind', 'id']).execute()
  await schema.createIndex('audit_events_by_time').on('audit_events').column('at').execute()
}
