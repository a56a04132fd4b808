import { type Kysely, type Migration, sql } from 'kysely'

/** Tokens of the API, and the indexes by which people look through the records. */
export const management: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await tokens(db)
    await lockouts(db)
    await auditEvents(db)
  },
}

async function tokens({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('api_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('revoked_by', 'text')
    .execute()
  await schema
    .createIndex('api_tokens_by_name')
    .unique()
    .on('api_tokens')
    .column('name')
    .where(sql.ref('revoked_at'), 'is', null)
    .execute()
}

async function lockouts({ schema }: Kysely<unknown>): Promise<void> {
  await schema.createIndex('lockouts_of_user').on('lockouts').columns(['user_stem', 'id']).execute()
  await schema.createIndex('lockouts_of_address').on('lockouts').columns(['address', 'id']).execute()
  await schema.createIndex('lockouts_of_gateway').on('lockouts').columns(['gateway', 'id']).execute()
  await schema.createIndex('lockouts_by_time').on('lockouts').column('since').execute()
  await schema
    .createIndex('lockouts_unreleased')
    .on('lockouts')
    .columns(['ends_at', 'id'])
    .where(sql.ref('released_at'), 'is', null)
    .execute()
  await schema
    .createIndex('lockouts_released')
    .on('lockouts')
    .column('id')
    .where(sql.ref('released_at'), 'is not', null)
    .execute()
}

/** Every login writes an event, so one index takes the place of another, and the last one is for the few with an actor. */
async function auditEvents({ schema }: Kysely<unknown>): Promise<void> {
  await schema.dropIndex('audit_events_by_time').execute()
  await schema
    .createIndex('audit_events_by_time_and_kind')
    .on('audit_events')
    .columns(['at', 'kind'])
    .execute()
  await schema.createIndex('audit_events_by_address').on('audit_events').columns(['address', 'id']).execute()
  await schema
    .createIndex('audit_events_by_actor')
    .on('audit_events')
    .columns(['actor', 'id'])
    .where(sql.ref('actor'), 'is not', null)
    .execute()
}
