import { existsSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import type { StorageConfig } from '../config/sections/storage.ts'
import type { Finding } from '../doctor/finding.ts'
import { checkSessionEnds, endsSessions } from '../doctor/session-ends.ts'
import type { TokenStore } from '../domain/api-token.ts'
import { systemClock } from '../domain/clock.ts'
import { postgresSource } from '../store/postgres/copy-end.ts'
import { sqliteSource } from '../store/sqlite/copy-end.ts'
import { SqlTokens } from '../store/tokens.ts'

/** Policies that end sessions where no gateway can. The records are only read; nothing is said where they cannot be. */
export async function findUnendedSessions(config: Config): Promise<readonly Finding[]> {
  const { policies, gateways, storage } = config
  if (!policies.some(endsSessions)) return []
  const check = (tokens: Pick<TokenStore, 'list'>) =>
    checkSessionEnds(policies, gateways, tokens, systemClock)()
  if (storage.postgres === undefined && !existsSync(storage.sqlite)) return check({ list: async () => [] })
  const source = await sourceOf(storage).catch(() => undefined)
  if (source === undefined) return []
  try {
    return await check(new SqlTokens(source.db))
  } finally {
    await source.close()
  }
}

function sourceOf({ sqlite, postgres }: StorageConfig) {
  return postgres === undefined ? sqliteSource(sqlite) : postgresSource(postgres.server)
}
