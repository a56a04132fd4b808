import { sql } from 'kysely'
import { type NameSearch, type NameStore, NEAR } from '../domain/known-names.ts'
import { usernameOf } from '../domain/login-name.ts'
import { isOver } from './is-over.ts'
import { containing } from './people-sources.ts'
import { SqlRepository } from './sql-repository.ts'

/** Names of one question. */
const CHUNK = 1000

export class SqlNames extends SqlRepository implements NameStore {
  async list({ limit, over, ...wanted }: NameSearch): Promise<readonly string[]> {
    const [users, enrolled, letIn] = await Promise.all([
      this.db
        .selectFrom('users')
        .select('name')
        .where(isWanted('name', wanted))
        .orderBy('name')
        .limit(limit)
        .execute(),
      this.db
        .selectFrom('enrolments')
        .select('subject as name')
        .distinct()
        .where(isWanted('subject', wanted))
        .orderBy('subject')
        .limit(limit)
        .execute(),
      this.#letIn(limit, wanted),
    ])
    const names = [
      ...users.map(({ name }) => name),
      ...[...enrolled, ...letIn].map(({ name }) => usernameOf(name)),
    ]
    const known = [...new Set(names)].sort().slice(0, limit)
    return over === undefined ? known : this.#over(over, known)
  }

  async #over(groups: readonly string[], names: readonly string[]): Promise<readonly string[]> {
    const found: string[] = []
    for (let at = 0; at < names.length; at += CHUNK) {
      const stems = sql.join(names.slice(at, at + CHUNK).map((name) => sql`(${name}, ${usernameOf(name)})`))
      const { rows } = await sql<{ name: string }>`
        with known (name, stem) as (values ${stems})
        select name from known where ${isOver(groups, sql.ref('known.stem'))}
      `.execute(this.db)
      found.push(...rows.map(({ name }) => name))
    }
    return found
  }

  /** From one name to the next by the index, over all sessions that a user ever had. */
  async #letIn(limit: number, wanted: Wanted): Promise<readonly { readonly name: string }[]> {
    const { rows } = await sql<{ name: string }>`
      with recursive names (name) as (
        select min(user_stem) from sessions
        union all
        select (select min(user_stem) from sessions where user_stem > name) from names where name is not null
      )
      select name from names where name is not null and ${isWanted('name', wanted)} limit ${limit}
    `.execute(this.db)
    return rows
  }
}

type Wanted = Pick<NameSearch, 'part' | 'length'>

/** A subject may have a realm, which does not count for the length. */
function isWanted(column: 'name' | 'subject', { part, length }: Wanted) {
  const name = sql.ref(column)
  const isLong =
    length === undefined
      ? undefined
      : sql<boolean>`length(${name}) between ${length - NEAR} and ${length + NEAR} or ${name} like '%@%'`
  const holds = part === undefined ? undefined : sql<boolean>`${name} like ${containing(part)} escape '!'`
  return sql<boolean>`(${isLong ?? sql`true`}) and ${holds ?? sql`true`}`
}
