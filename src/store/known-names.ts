import { sql } from 'kysely'
import type { NameStore } from '../domain/known-names.ts'
import { usernameOf } from '../domain/login-name.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlNames extends SqlRepository implements NameStore {
  async list(limit: number): Promise<readonly string[]> {
    const [users, enrolled, letIn] = await Promise.all([
      this.db.selectFrom('users').select('name').orderBy('name').limit(limit).execute(),
      this.db
        .selectFrom('enrolments')
        .select('subject as name')
        .distinct()
        .orderBy('subject')
        .limit(limit)
        .execute(),
      this.#letIn(limit),
    ])
    const names = [
      ...users.map(({ name }) => name),
      ...[...enrolled, ...letIn].map(({ name }) => usernameOf(name)),
    ]
    return [...new Set(names)].sort().slice(0, limit)
  }

  /** From one name to the next by the index, over all sessions that a user ever had. */
  async #letIn(limit: number): Promise<readonly { readonly name: string }[]> {
    const { rows } = await sql<{ name: string }>`
      with recursive names (name) as (
        select min(user_stem) from sessions
        union all
        select (select min(user_stem) from sessions where user_stem > name) from names where name is not null
      )
      select name from names where name is not null limit ${limit}
    `.execute(this.db)
    return rows
  }
}
