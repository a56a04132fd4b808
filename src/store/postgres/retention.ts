import { sql } from 'kysely'
import type { Horizon, RetentionStore } from '../../domain/retention.ts'
import { pruneSome } from '../retention.ts'
import { SqlRepository } from '../sql-repository.ts'

/** `OCBRPRUN` in ASCII: the advisory lock of the broker that prunes. */
const LOCK = 0x4f434252_5052554en

/** One broker at a time: two would only wait for each other's rows. */
export class PostgresRetention extends SqlRepository implements RetentionStore {
  prune(before: Horizon, atMost: number): Promise<number> {
    return this.db.transaction().execute(async (db) => {
      const { rows } = await sql<{ mine: boolean }>`
        select pg_try_advisory_xact_lock(${sql.lit(LOCK)}) as mine`.execute(db)
      return rows[0]?.mine === true ? pruneSome(db, before, atMost) : 0
    })
  }
}
