import { sql } from 'kysely'
import { SqlServingBrokers } from '../serving-brokers.ts'

export class PostgresServingBrokers extends SqlServingBrokers {
  override async time(): Promise<number | undefined> {
    const { rows } = await sql<{ ms: string }>`
      select floor(extract(epoch from clock_timestamp()) * 1000)::text as ms`.execute(this.db)
    return rows[0] === undefined ? undefined : Number(rows[0].ms)
  }
}
