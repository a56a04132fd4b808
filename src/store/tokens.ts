import type { Kysely } from 'kysely'
import type { ApiToken, TokenStore } from '../domain/api-token.ts'
import { isScope } from '../domain/scope.ts'
import { withoutNulls } from './absent.ts'
import type { ApiTokenRow, Tables } from './schema.ts'

export class SqlTokens implements TokenStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async add(token: ApiToken): Promise<'added' | 'exists'> {
    const added = await this.#db
      .insertInto('api_tokens')
      .values({
        id: token.id,
        name: token.name,
        hash: token.hash,
        scopes: token.scopes.join(' '),
        created_at: token.createdAt,
        created_by: token.createdBy,
        expires_at: token.expiresAt ?? null,
        last_used_at: null,
        revoked_at: null,
        revoked_by: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return added === undefined ? 'exists' : 'added'
  }

  async findByHash(hash: string): Promise<ApiToken | undefined> {
    const row = await this.#db
      .selectFrom('api_tokens')
      .selectAll()
      .where('hash', '=', hash)
      .executeTakeFirst()
    return row === undefined ? undefined : tokenOf(row)
  }

  async list(limit: number): Promise<readonly ApiToken[]> {
    const rows = await this.#db
      .selectFrom('api_tokens')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(tokenOf)
  }

  async revoke(name: string, by: string, now: number): Promise<ApiToken | undefined> {
    const row = await this.#db
      .updateTable('api_tokens')
      .set({ revoked_at: now, revoked_by: by })
      .where('name', '=', name)
      .where('revoked_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
    return row === undefined ? undefined : tokenOf(row)
  }

  async noteUse(id: string, now: number): Promise<void> {
    await this.#db
      .updateTable('api_tokens')
      .set({ last_used_at: now })
      .where('id', '=', id)
      .where((row) => row.or([row('last_used_at', 'is', null), row('last_used_at', '<', now)]))
      .execute()
  }
}

function tokenOf(row: ApiTokenRow): ApiToken {
  return withoutNulls({
    id: row.id,
    name: row.name,
    hash: row.hash,
    // A scope of a later version gives nothing in this one.
    scopes: row.scopes.split(' ').filter(isScope),
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    revokedBy: row.revoked_by,
  })
}
