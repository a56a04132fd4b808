import type { Kysely } from 'kysely'
import type { GatewayStore } from '../domain/login-records.ts'
import type { Tables } from './schema.ts'

export class SqlGateways implements GatewayStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async authenticating(): Promise<readonly string[]> {
    const rows = await this.#db.selectFrom('gateway_state').select('key').orderBy('key').execute()
    return rows.map(({ key }) => key)
  }

  async remember(key: string): Promise<void> {
    await this.#db
      .insertInto('gateway_state')
      .values({ key })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }

  async forget(key: string): Promise<void> {
    await this.#db.deleteFrom('gateway_state').where('key', '=', key).execute()
  }
}
