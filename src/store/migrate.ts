import { type Kysely, Migrator } from 'kysely'
import { migrations } from './migrations/all.ts'
import type { Tables } from './schema.ts'

/** Where kysely keeps what was run; a name of our own, as a database may have other users of kysely. */
export const MIGRATION_TABLE = 'ocbroker_migration'

/** Brings the tables to this version's shape. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: MIGRATION_TABLE,
    migrationLockTableName: `${MIGRATION_TABLE}_lock`,
    // The order in which migrations were run is judged by wall time, which may have stepped back in between.
    allowUnorderedMigrations: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

/** @returns the names of migrations that were run on these tables and that this version does not know. */
export async function unknownMigrations(db: Kysely<Tables>): Promise<readonly string[]> {
  return (await migrationsRun(db)).filter((name) => !(name in migrations))
}

/** @returns whether the tables have this version's shape. */
export async function isMigrated(db: Kysely<Tables>): Promise<boolean> {
  const run = await migrationsRun(db)
  return Object.keys(migrations).every((name) => run.includes(name))
}

async function migrationsRun(db: Kysely<Tables>): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === MIGRATION_TABLE)) return []
  const run = await db
    .withTables<{ [MIGRATION_TABLE]: { name: string } }>()
    .selectFrom(MIGRATION_TABLE)
    .select('name')
    .execute()
  return run.map(({ name }) => name)
}
