import { type Expression, type Kysely, sql } from 'kysely'
import { earliestId } from '../domain/record-id.ts'
import type { Horizon, RetentionStore } from '../domain/retention.ts'
import type { Day } from '../domain/site-days.ts'
import { countDropped } from './audit-sinks.ts'
import { transact } from './prepared.ts'
import type { AnyTables, Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'
import { TABLES } from './tables.ts'

export class SqlRetention extends SqlRepository implements RetentionStore {
  prune(before: Horizon, atMost: number): Promise<number> {
    return transact(this.db, (db) => pruneSome(db, before, atMost))
  }
}

/** Finds what is past its retention, the oldest first by an index. */
type Old = (db: Kysely<Tables>, before: Horizon) => { limit(rows: number): Expression<unknown> }

const OLD: readonly (readonly [table: keyof Tables, old: Old])[] = [
  ['sessions', oldSessions],
  [
    'trusts',
    (db, { rest }) =>
      db.selectFrom('trusts').select('id').where('expires_at', '<', rest).orderBy('expires_at'),
  ],
  ['usage_days', (db, { usage }) => ofOldDays(db, 'usage_days', usage)],
  ['usage_totals', (db, { usage }) => ofOldDays(db, 'usage_totals', usage)],
  ['quota_marks', (db, { usage }) => ofOldDays(db, 'quota_marks', usage)],
  ['quota_additions', (db, { usage }) => ofOldDays(db, 'quota_additions', usage)],
  ['lockouts', endedLocks],
  ['lockouts', releasedLocks],
  [
    'mails',
    (db, { rest }) =>
      db
        .selectFrom('mails')
        .select('id')
        .where('created_at', '<', rest)
        .where('expires_at', '<', rest)
        .orderBy('created_at'),
  ],
  [
    'login_failures',
    (db, { rest }) =>
      db
        .selectFrom('login_failures')
        .select(TABLES.login_failures)
        .where('failed_at', '<', rest)
        .orderBy('failed_at'),
  ],
]

export async function pruneSome(db: Kysely<Tables>, before: Horizon, atMost: number): Promise<number> {
  let deleted = await pruneEvents(db, before, atMost)
  for (const [table, old] of OLD) {
    if (deleted >= atMost) break
    const some = old(db, before).limit(atMost - deleted)
    const key = sql`(${sql.join(TABLES[table].map((column) => sql.ref(column)))})`
    const pruned = (db as unknown as AnyTables).deleteFrom(table).where(key, 'in', some)
    deleted += Number((await pruned.executeTakeFirst()).numDeletedRows)
  }
  return deleted
}

/** Those that no sink has been sent yet are counted at it. */
async function pruneEvents(db: Kysely<Tables>, { audit }: Horizon, atMost: number): Promise<number> {
  const old = db.selectFrom('audit_events').select('id').where('at', '<', audit).orderBy('at').limit(atMost)
  const ids = (await old.execute()).map(({ id }) => id)
  if (ids.length === 0) return 0
  await countDropped(db, ids)
  await db.deleteFrom('audit_events').where('id', 'in', ids).execute()
  return ids.length
}

/** By their last report and not by their end: a session whose Stop was lost reports nothing more either. */
function oldSessions(db: Kysely<Tables>, { rest }: Horizon) {
  return db
    .selectFrom('sessions')
    .select('id')
    .where('id', '<', earliestId(rest))
    .where('updated_at', '<', rest)
    .orderBy('id')
}

function ofOldDays(
  db: Kysely<Tables>,
  table: 'usage_days' | 'usage_totals' | 'quota_marks' | 'quota_additions',
  day: Day,
) {
  const rows = (db as unknown as AnyTables).selectFrom(table).select(TABLES[table])
  return rows.where('day', '<', day).orderBy('day')
}

function endedLocks(db: Kysely<Tables>, { rest }: Horizon) {
  return db
    .selectFrom('lockouts')
    .select('id')
    .where('released_at', 'is', null)
    .where('ends_at', '<', rest)
    .orderBy('ends_at')
}

function releasedLocks(db: Kysely<Tables>, { rest }: Horizon) {
  return db
    .selectFrom('lockouts')
    .select('id')
    .where('released_at', 'is not', null)
    .where('id', '<', earliestId(rest))
    .where('released_at', '<', rest)
    .orderBy('id')
}
