import type { GatewayStore, SigningClient } from '../domain/login-records.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlGateways extends SqlRepository implements GatewayStore {
  async signing(): Promise<readonly SigningClient[]> {
    const rows = await this.db.selectFrom('gateway_state').selectAll().orderBy('key').execute()
    return rows.map(({ key, unsigned_at }) => ({ key, unsignedAt: unsigned_at ?? undefined }))
  }

  async remember(key: string): Promise<void> {
    await this.db
      .insertInto('gateway_state')
      .values({ key, unsigned_at: null })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }

  async noteUnsigned(key: string, at: number): Promise<void> {
    await this.db.updateTable('gateway_state').set({ unsigned_at: at }).where('key', '=', key).execute()
  }

  async forget(key: string): Promise<void> {
    await this.db.deleteFrom('gateway_state').where('key', '=', key).execute()
  }
}
