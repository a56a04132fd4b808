import { type Kysely, sql } from 'kysely'
import { MIGRATION_TABLE, unknownMigrations } from '../migrate.ts'
import { migrations } from '../migrations/all.ts'
import type { Tables } from '../schema.ts'
import { TABLES } from '../tables.ts'

/** 13, as the number that the server gives. */
const OLDEST = 130_000

/** Looks at a database before anything is written to it. @throws Error where it is of no use, foreign, or of a newer version. */
export async function checkSchema(name: string, db: Kysely<Tables>): Promise<void> {
  const facts = await settings(db, ['server_version_num', 'server_version', 'server_encoding'])
  if (Number(facts.server_version_num) < OLDEST) {
    throw new Error(`${name} is on PostgreSQL ${facts.server_version}; 13 or later is needed`)
  }
  if (facts.server_encoding !== 'UTF8') {
    throw new Error(
      `${name} has the encoding ${facts.server_encoding}; make one by: createdb --encoding=UTF8 --template=template0 NAME`,
    )
  }
  const there = new Set((await tablesInReach(db)).map((table) => table.toLowerCase()))
  const foreign = there.has(MIGRATION_TABLE)
    ? undefined
    : Object.keys(TABLES).find((table) => there.has(table))
  const unknown = await unknownMigrations(db)
  if (foreign !== undefined || (unknown.length > 0 && !(await knowsOurs(db)))) {
    throw new Error(
      `${name} holds tables of another program (${foreign ?? MIGRATION_TABLE}). Nothing was changed: name another database`,
    )
  }
  const [newer] = unknown
  if (newer !== undefined) {
    throw new Error(
      `${name} was written by a newer version of ocbroker (it has "${newer}"). Nothing was changed: start that version again, or restore the dump that was made before the update`,
    )
  }
}

/** @returns the settings that let acknowledged writes be lost with the power. */
export async function carelessSettings(db: Kysely<Tables>): Promise<readonly string[]> {
  const facts = await settings(db, ['fsync', 'full_page_writes', 'synchronous_commit'])
  return Object.entries(facts)
    .filter(([, value]) => value === 'off')
    .map(([name]) => name)
}

async function settings(db: Kysely<Tables>, names: readonly string[]): Promise<Record<string, string>> {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where name in (${sql.join(names)})`.execute(db)
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

async function tablesInReach(db: Kysely<Tables>): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relkind in ('r', 'p', 'v') and pg_table_is_visible(oid)`.execute(
    db,
  )
  return rows.map(({ name }) => name)
}

async function knowsOurs(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(MIGRATION_TABLE)}`.execute(db)
  return rows.some(({ name }) => name in migrations)
}
