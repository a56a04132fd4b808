import type { ApiToken, TokenStore } from '../domain/api-token.ts'
import { agentScope, gatewayOfScope, isScope } from '../domain/scope.ts'
import { mappingOf } from './columns.ts'
import type { ApiTokenRow } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlTokens extends SqlRepository implements TokenStore {
  async add(token: ApiToken): Promise<'added' | 'exists'> {
    const added = await this.db
      .insertInto('api_tokens')
      .values({ ...toRow(token), scopes: scopesText(token) })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return added === undefined ? 'exists' : 'added'
  }

  async findByHash(hash: string): Promise<ApiToken | undefined> {
    const row = await this.db.selectFrom('api_tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
    return row === undefined ? undefined : tokenOf(row)
  }

  async list(limit: number): Promise<readonly ApiToken[]> {
    const rows = await this.db
      .selectFrom('api_tokens')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(tokenOf)
  }

  async revoke(name: string, by: string, now: number): Promise<ApiToken | undefined> {
    const row = await this.db
      .updateTable('api_tokens')
      .set({ revoked_at: now, revoked_by: by })
      .where('name', '=', name)
      .where('revoked_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
    return row === undefined ? undefined : tokenOf(row)
  }

  async noteUse(id: string, now: number): Promise<void> {
    await this.db
      .updateTable('api_tokens')
      .set({ last_used_at: now })
      .where('id', '=', id)
      .where((row) => row.or([row('last_used_at', 'is', null), row('last_used_at', '<', now)]))
      .execute()
  }
}

const { toRow, fromRow } = mappingOf<Omit<ApiToken, 'scopes' | 'gateway'>, ApiTokenRow>()({
  id: 'id',
  name: 'name',
  hash: 'hash',
  createdAt: 'created_at',
  createdBy: 'created_by',
  expiresAt: 'expires_at',
  lastUsedAt: 'last_used_at',
  revokedAt: 'revoked_at',
  revokedBy: 'revoked_by',
})

/** A gateway's name holds no blank. */
function scopesText({ scopes, gateway }: ApiToken): string {
  return gateway === undefined ? scopes.join(' ') : agentScope(gateway)
}

function tokenOf(row: ApiTokenRow): ApiToken {
  const gateway = gatewayOfScope(row.scopes)
  if (gateway !== undefined) return { ...fromRow(row), scopes: [], gateway }
  // A scope of a later version gives nothing in this one.
  return { ...fromRow(row), scopes: row.scopes.split(' ').filter(isScope) }
}
