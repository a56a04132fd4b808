import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import type { ListedPerson, PeopleSearch, PeopleStore } from '../domain/people.ts'
import { isOver } from './is-over.ts'
import { SqlRepository } from './sql-repository.ts'
import { usersOf } from './user-rows.ts'

type Name = RawBuilder<string>

/** Somebody of whom one table knows: the name that is shown, and what the other tables call this person. */
interface Source {
  readonly rows: RawBuilder<unknown>
  readonly isLocal?: boolean
  /** Whether the rows come in the order of names, so that the search ends with the page. */
  readonly isInOrder?: boolean
}

const [NAME, STEM] = [sql.ref<string>('p.name'), sql.ref<string>('p.stem')]

const LOCAL: Source = {
  rows: sql`(select name, ${withoutRealm(sql.ref('name'))} as stem from users)`,
  isLocal: true,
}

/** An authenticator under the whole name of a local user is that user's. */
const ENROLLED: Source = {
  rows: sql`(
    select distinct ${withoutRealm(sql.ref('subject'))} as name, ${withoutRealm(sql.ref('subject'))} as stem
    from enrolments where not exists (select 1 from users where users.name = enrolments.subject)
  )`,
}

/** Of a local user the whole name, of others the canonical username. */
const INVITED: Source = {
  rows: sql`(
    select distinct name, ${withoutRealm(sql.ref('name'))} as stem from (
      select case when exists (select 1 from users where users.name = invitations.subject)
        then subject else ${withoutRealm(sql.ref('subject'))} end as name
      from invitations
    ) as invited
  )`,
}

export class SqlPeople extends SqlRepository implements PeopleStore {
  async list(search: PeopleSearch): Promise<readonly ListedPerson[]> {
    const found = await Promise.all(sourcesOf(search).map((source) => this.#namesIn(source, search)))
    const names = [...new Set(found.flat())].sort().slice(0, search.limit)
    return names.length === 0 ? [] : this.#peopleOf(names, search.now)
  }

  async #namesIn(source: Source, search: PeopleSearch): Promise<readonly string[]> {
    const { over, after, part, limit } = search
    const conditions = [sql<SqlBool>`${NAME} is not null`, ...conditionsOf(search, source)]
    if (over !== undefined) conditions.push(isOver(over, STEM))
    if (after !== undefined) conditions.push(sql`${NAME} > ${after}`)
    if (part !== undefined) conditions.push(sql`${NAME} like ${containing(part)} escape '!'`)
    const { rows } = await sql<{ name: string }>`
      select p.name from ${source.rows} as p where ${sql.join(conditions, sql` and `)}
      ${source.isInOrder ? sql`` : sql`order by p.name`} limit ${limit}
    `.execute(this.db)
    return rows.map(({ name }) => name)
  }

  async #peopleOf(names: readonly string[], now: number): Promise<readonly ListedPerson[]> {
    const stems = [...new Set(names.map(usernameOf))]
    const [locals, enrolled, logins, locked, invited, seen] = await Promise.all([
      this.db
        .selectFrom('users as u')
        .leftJoin('user_groups as g', 'g.user_name', 'u.name')
        .selectAll('u')
        .select('g.group_name')
        .where('u.name', 'in', names)
        .orderBy('u.name')
        .orderBy('g.position')
        .execute(),
      this.db
        .selectFrom('enrolments')
        .select(['subject', 'created_at as at'])
        .where(belongsTo(names, stems))
        .execute(),
      this.#lastLogins(stems),
      this.db
        .selectFrom('lockouts')
        .select('user_stem')
        .distinct()
        .where('user_stem', 'in', stems)
        .where('ends_at', '>', now)
        .where('released_at', 'is', null)
        .execute(),
      this.db
        .selectFrom('invitations')
        .select(['subject', 'expires_at', 'used_at'])
        .where(belongsTo(names, stems))
        .execute(),
      this.db
        .selectFrom('account_groups')
        .select(['user_stem', 'source', 'group_name'])
        .distinct()
        .where('user_stem', 'in', stems)
        .orderBy('source')
        .orderBy('group_name')
        .execute(),
    ])
    const local = new Map(usersOf(locals).map((user) => [user.name, user]))
    const lockedStems = new Set(locked.map(({ user_stem }) => user_stem))
    const loginOf = new Map(logins.map(({ user_stem, at }) => [user_stem, at]))
    return names.map((name) => {
      const user = local.get(name)
      const isOwn = ({ subject }: { readonly subject: string }) =>
        subject === name || (user === undefined && usernameOf(subject) === name && !local.has(subject))
      const invitation = invited.find(isOwn)
      const rows = seen.filter(({ user_stem }) => user === undefined && user_stem === name)
      return {
        name,
        local: user && {
          groups: user.groups,
          enabled: user.enabled,
          hasPassword: user.passwordHash !== undefined,
          expiresAt: user.expiresAt,
        },
        seen: rows[0] && {
          sources: [...new Set(rows.map(({ source }) => source))],
          groups: [...new Set(rows.map(({ group_name }) => group_name))].filter((group) => group !== ''),
        },
        enrolledAt: enrolled.find(isOwn)?.at,
        lastLoginAt: loginOf.get(usernameOf(name)) ?? undefined,
        isLocked: lockedStems.has(usernameOf(name)),
        invitation: invitation && {
          expiresAt: invitation.expires_at,
          usedAt: invitation.used_at ?? undefined,
        },
      }
    })
  }

  /** Of the last session of each by its identifier, which follows the time. */
  #lastLogins(stems: readonly string[]) {
    return this.db
      .selectFrom('sessions')
      .select((row) => ['user_stem', row.fn.coalesce('granted_at', 'started_at', 'updated_at').as('at')])
      .where('id', 'in', (query) =>
        query
          .selectFrom('sessions')
          .select((row) => row.fn.max('id').as('id'))
          .where('user_stem', 'in', stems)
          .groupBy('user_stem'),
      )
      .execute()
  }
}

/** The tables that can name people whom the filter lets through. */
function sourcesOf({ filter, after, now }: PeopleSearch): readonly Source[] {
  switch (filter) {
    case 'disabled':
    case 'expiring':
      return [LOCAL]
    case 'not_enrolled':
      return [LOCAL, letIn(after)]
    case 'invited':
      return [INVITED]
    case 'never_used':
      return [LOCAL, ENROLLED]
    case 'locked':
      return [locked(now)]
    case 'all':
      return [LOCAL, ENROLLED, letIn(after)]
  }
}

/** From the lockouts in force, which are fewer than the people, to those of them whom another table knows. */
function locked(now: number): Source {
  const stem = sql.ref<string>('locked.stem')
  return {
    rows: sql`(
      with locked (stem) as (
        select distinct user_stem || '' from lockouts where released_at is null and ends_at > ${now}
      )
      select u.name, ${stem} as stem from locked cross join users as u where u.name = ${stem}
      union select u.name, ${stem} from locked cross join users as u where ${isInRealm(sql.ref('u.name'), stem)}
      union select ${stem}, ${stem} from locked
        where exists (select 1 from sessions as s where s.user_stem = ${stem})
      union select ${stem}, ${stem} from locked where exists (
        select 1 from enrolments as e where (e.subject = ${stem} or ${isInRealm(sql.ref('e.subject'), stem)})
          and not exists (select 1 from users where users.name = e.subject)
      )
    )`,
  }
}

/** From one name to the next by the index, over all sessions that a user ever had. */
function letIn(after: string | undefined): Source {
  const first = after === undefined ? sql`select min(user_stem) from sessions` : next(sql`${after}`)
  return {
    isInOrder: true,
    rows: sql`(
      with recursive seen (name) as (
        ${first} union all
        select (${next(sql.ref('seen.name'))}) from seen where seen.name is not null
      )
      select name, name as stem from seen where name is not null
    )`,
  }
}

function next(name: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select min(user_stem) from sessions where user_stem > ${name}`
}

function conditionsOf({ filter, expiresBefore }: PeopleSearch, { isLocal = false }: Source) {
  const conditions: RawBuilder<SqlBool>[] = []
  const ofUser = (condition: RawBuilder<SqlBool>) =>
    conditions.push(sql`exists (select 1 from users as u where u.name = ${NAME} and ${condition})`)
  switch (filter) {
    case 'all':
    case 'invited':
    case 'locked':
      break
    case 'not_enrolled':
      conditions.push(isLocal ? sql`not ${isEnrolledAs(NAME)}` : sql`not ${isEnrolledInRealm(NAME)}`)
      break
    case 'never_used':
      conditions.push(sql`not exists (select 1 from sessions as s where s.user_stem = ${STEM})`)
      break
    case 'disabled':
      ofUser(sql`u.enabled = 0`)
      break
    case 'expiring':
      ofUser(sql`u.expires_at < ${expiresBefore}`)
      break
  }
  return conditions
}

function isEnrolledAs(name: Name): RawBuilder<SqlBool> {
  return sql`exists (select 1 from enrolments as e where e.subject = ${name})`
}

/** With whatever realm. */
function isEnrolledInRealm(name: Name): RawBuilder<SqlBool> {
  return sql`exists (
    select 1 from enrolments as e where e.subject = ${name} or ${isInRealm(sql.ref('e.subject'), name)}
  )`
}

/** Between `name@` and `nameA`, as A follows the mark. */
function isInRealm(whole: Name, name: Name): RawBuilder<SqlBool> {
  return sql`(${whole} > ${name} || '@' and ${whole} < ${name} || 'A')`
}

/** Whether the row's subject is one of these names, or one of them with a realm. */
function belongsTo(names: readonly string[], stems: readonly string[]): Expression<SqlBool> {
  const subject = sql.ref<string>('subject')
  return sql<SqlBool>`(${subject} in (${sql.join(names)}) or (
    ${subject} like '%@%' and ${withoutRealm(subject)} in (${sql.join(stems)})
  ))`
}

/**
 * What stands before the first `@`, as `usernameOf` has it; a subject has at most two. SQLite and PostgreSQL have no
 * function in common that finds a character: trimming all others from the end leaves the last mark there.
 */
function withoutRealm(name: Name): Name {
  const trimmed = sql<string>`rtrim(rtrim(${name}, replace(${name}, '@', '')), '@')`
  return sql<string>`case when ${name} like '%@%@%' then rtrim(rtrim(${trimmed}, replace(${trimmed}, '@', '')), '@')
    when ${name} like '%@%' then ${trimmed} else ${name} end`
}

function containing(part: string): string {
  return `%${part.replaceAll(/[!%_]/g, '!$&')}%`
}
