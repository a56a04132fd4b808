import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'

/** What every repository asks its queries of. */
export abstract class SqlRepository {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }
}
