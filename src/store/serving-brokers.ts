import type { ServingBroker, ServingBrokerStore } from '../domain/serving-broker.ts'
import { mappingOf } from './columns.ts'
import type { ServingBrokerRow } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlServingBrokers extends SqlRepository implements ServingBrokerStore {
  async list(): Promise<readonly ServingBroker[]> {
    const rows = await this.db.selectFrom('serving_brokers').selectAll().orderBy('name').execute()
    return rows.map((row) => ({ ...fromRow(row), keys: JSON.parse(row.keys) }))
  }

  async note(broker: ServingBroker): Promise<void> {
    const row = { ...toRow(broker), keys: JSON.stringify(broker.keys) }
    await this.db
      .insertInto('serving_brokers')
      .values(row)
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute()
  }

  async remove(name: string): Promise<void> {
    await this.db.deleteFrom('serving_brokers').where('name', '=', name).execute()
  }

  async forget(before: number): Promise<number> {
    const { numDeletedRows } = await this.db
      .deleteFrom('serving_brokers')
      .where('seen_at', '<', before)
      .executeTakeFirst()
    return Number(numDeletedRows)
  }

  /** A file has the clock of those who write it. */
  async time(): Promise<number | undefined> {
    return undefined
  }
}

const { toRow, fromRow } = mappingOf<Omit<ServingBroker, 'keys'>, ServingBrokerRow>()({
  name: 'name',
  version: 'version',
  seenAt: 'seen_at',
  aheadMs: 'ahead_ms',
  policies: 'policies',
  pools: 'pools',
})
