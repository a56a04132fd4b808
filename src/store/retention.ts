import type { Kysely } from 'kysely'
import { earliestId } from '../domain/record-id.ts'
import type { Horizon, RetentionStore } from '../domain/retention.ts'
import type { Tables } from './schema.ts'

export class SqlRetention implements RetentionStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  prune(before: Horizon, atMost: number): Promise<number> {
    return this.#db.transaction().execute((db) => pruneSome(db, before, atMost))
  }
}

type Prune = (db: Kysely<Tables>, before: Horizon, atMost: number) => Promise<number>

/** Each finds the oldest by an index. */
const KINDS: readonly Prune[] = [
  pruneAudit,
  pruneSessions,
  pruneEndedLocks,
  pruneReleasedLocks,
  pruneFailures,
]

export async function pruneSome(db: Kysely<Tables>, before: Horizon, atMost: number): Promise<number> {
  let deleted = 0
  for (const prune of KINDS) {
    if (deleted < atMost) deleted += await prune(db, before, atMost - deleted)
  }
  return deleted
}

async function pruneAudit(db: Kysely<Tables>, { audit }: Horizon, atMost: number): Promise<number> {
  const old = db.selectFrom('audit_events').select('id').where('at', '<', audit).orderBy('at').limit(atMost)
  const { numDeletedRows } = await db.deleteFrom('audit_events').where('id', 'in', old).executeTakeFirst()
  return Number(numDeletedRows)
}

/** By their last news and not by their end: of a session whose Stop was lost there is no more to come either. */
async function pruneSessions(db: Kysely<Tables>, { rest }: Horizon, atMost: number): Promise<number> {
  const old = db
    .selectFrom('sessions')
    .select('id')
    .where('id', '<', earliestId(rest))
    .where('updated_at', '<', rest)
    .orderBy('id')
    .limit(atMost)
  const { numDeletedRows } = await db.deleteFrom('sessions').where('id', 'in', old).executeTakeFirst()
  return Number(numDeletedRows)
}

async function pruneEndedLocks(db: Kysely<Tables>, { rest }: Horizon, atMost: number): Promise<number> {
  const old = db
    .selectFrom('lockouts')
    .select('id')
    .where('released_at', 'is', null)
    .where('ends_at', '<', rest)
    .orderBy('ends_at')
    .limit(atMost)
  const { numDeletedRows } = await db.deleteFrom('lockouts').where('id', 'in', old).executeTakeFirst()
  return Number(numDeletedRows)
}

async function pruneReleasedLocks(db: Kysely<Tables>, { rest }: Horizon, atMost: number): Promise<number> {
  const old = db
    .selectFrom('lockouts')
    .select('id')
    .where('released_at', 'is not', null)
    .where('id', '<', earliestId(rest))
    .where('released_at', '<', rest)
    .orderBy('id')
    .limit(atMost)
  const { numDeletedRows } = await db.deleteFrom('lockouts').where('id', 'in', old).executeTakeFirst()
  return Number(numDeletedRows)
}

async function pruneFailures(db: Kysely<Tables>, { rest }: Horizon, atMost: number): Promise<number> {
  const old = db
    .selectFrom('login_state')
    .select('user_stem')
    .where('failed_at', '<', rest)
    .orderBy('failed_at')
    .limit(atMost)
  const { numDeletedRows } = await db
    .deleteFrom('login_state')
    .where('user_stem', 'in', old)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
