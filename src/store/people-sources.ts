import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { PeopleFilter, PeopleSearch } from '../domain/people.ts'
import { isOver } from './is-over.ts'

type Name = RawBuilder<string>
type Condition = RawBuilder<SqlBool>

/** Somebody of whom one table knows: the name that is shown, and what the other tables call this person. */
export interface PeopleSource {
  readonly rows: RawBuilder<unknown>
  readonly isLocal?: boolean
  /** Whether local users are among the others. */
  readonly isMixed?: boolean
  /** Whether the rows come in the order of names, so that the search ends with the page. */
  readonly isInOrder?: boolean
}

/** Which of the people of a source are meant. */
export type PeopleConditions = Omit<PeopleSearch, 'limit'>

const [NAME, STEM] = [sql.ref<string>('p.name'), sql.ref<string>('p.stem')]

const LOCAL: PeopleSource = {
  rows: sql`(select name, ${withoutRealm(sql.ref('name'))} as stem from users)`,
  isLocal: true,
}

const ENROLLED = subjectsOf('enrolments')
const WITH_PASSKEY = subjectsOf('passkeys')
const INVITED = subjectsOf('invitations')

/** What is kept under the whole name of a local user is that user's. */
function subjectsOf(table: 'enrolments' | 'passkeys' | 'invitations'): PeopleSource {
  const [rows, subject] = [sql.table(table), sql.ref<string>(`${table}.subject`)]
  return {
    rows: sql`(
      select distinct ${withoutRealm(subject)} as name, ${withoutRealm(subject)} as stem
      from ${rows} where not exists (select 1 from users where users.name = ${subject})
    )`,
  }
}

/** The tables that can name people whom the filter lets through. */
export function sourcesOf({ filter, after, now }: PeopleConditions): readonly PeopleSource[] {
  switch (filter) {
    case 'disabled':
    case 'expiring':
      return [LOCAL]
    case 'enrolled':
      return [LOCAL, ENROLLED, WITH_PASSKEY]
    case 'not_enrolled':
      return [LOCAL, WITH_PASSKEY, INVITED, letIn(after)]
    case 'invited':
    case 'waiting':
    case 'used':
    case 'expired':
      return [LOCAL, INVITED]
    case 'uninvited':
      return [LOCAL, WITH_PASSKEY, letIn(after)]
    case 'never_used':
      return [LOCAL, ENROLLED, WITH_PASSKEY, INVITED]
    case 'locked':
      return [locked(now)]
    case 'all':
      return [LOCAL, ENROLLED, WITH_PASSKEY, INVITED, letIn(after)]
  }
}

/** From the lockouts in force, which are fewer than the people, to those of them whom another table knows. */
function locked(now: number): PeopleSource {
  const stem = sql.ref<string>('locked.stem')
  const known = (table: string) => sql`union select ${stem}, ${stem} from locked where exists (
    select 1 from ${sql.table(table)} as s where (s.subject = ${stem} or ${isInRealm(sql.ref('s.subject'), stem)})
      and not exists (select 1 from users where users.name = s.subject)
  )`
  return {
    isMixed: true,
    rows: sql`(
      with locked (stem) as (
        select distinct user_stem || '' from lockouts where released_at is null and ends_at > ${now}
      )
      select u.name, ${stem} as stem from locked cross join users as u where u.name = ${stem}
      union select u.name, ${stem} from locked cross join users as u where ${isInRealm(sql.ref('u.name'), stem)}
      union select ${stem}, ${stem} from locked
        where exists (select 1 from sessions as s where s.user_stem = ${stem})
      ${known('enrolments')} ${known('passkeys')} ${known('invitations')}
    )`,
  }
}

/** Between `name@` and `nameA`, as A follows the mark. */
function isInRealm(whole: Name, name: Name): Condition {
  return sql`(${whole} > ${name} || '@' and ${whole} < ${name} || 'A')`
}

/** From one name to the next by the index, over all sessions that a user ever had. */
function letIn(after: string | undefined): PeopleSource {
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

/** Everything that a search asks of the people of a source. */
export function conditionsOf(search: PeopleConditions, source: PeopleSource): RawBuilder<SqlBool> {
  const { over, group, after, part, filter } = search
  const conditions = [sql<SqlBool>`${NAME} is not null`]
  // Each person comes from one kind of source alone, and is judged by it.
  if (source.isLocal !== true && source.isMixed !== true)
    conditions.push(sql`not exists (select 1 from users where users.name = ${NAME})`)
  if (filter !== 'all' && filter !== 'locked') conditions.push(meets(filter, search, source))
  if (over !== undefined) conditions.push(isOver(over, STEM))
  if (group !== undefined) conditions.push(isOver([group], STEM))
  if (after !== undefined) conditions.push(sql`${NAME} > ${after}`)
  if (part !== undefined) conditions.push(sql`${NAME} like ${containing(part)} escape '!'`)
  return sql.join(conditions, sql` and `)
}

/** Whether a person of the source is one of those whom the filter names. */
export function meets(
  filter: Exclude<PeopleFilter, 'all' | 'locked'>,
  { now, expiresBefore, takesPasskeys, enrolledBefore }: PeopleConditions,
  { isLocal = false }: PeopleSource,
): Condition {
  const exists = (table: string, more: Condition = sql`1 = 1`): Condition =>
    sql`exists (select 1 from ${sql.table(table)} as s where ${belongsTo('s.subject', isLocal)} and ${more})`
  const made = enrolledBefore === undefined ? undefined : sql<SqlBool>`s.created_at < ${enrolledBefore}`
  const isEnrolled = takesPasskeys
    ? sql<SqlBool>`(${exists('enrolments', made)} or ${exists('passkeys', made)})`
    : exists('enrolments', made)
  const waits = exists('invitations', sql`s.used_at is null and s.expires_at > ${now}`)
  const used = exists('invitations', sql`s.used_at is not null`)
  const ofUser = (condition: Condition): Condition =>
    sql`exists (select 1 from users as u where u.name = ${NAME} and ${condition})`
  switch (filter) {
    case 'enrolled':
      return isEnrolled
    case 'not_enrolled':
      return sql`not ${isEnrolled}`
    case 'invited':
      return exists('invitations')
    case 'waiting':
      return sql`not ${isEnrolled} and ${waits}`
    case 'used':
      return sql`not ${isEnrolled} and not ${waits} and ${used}`
    case 'expired':
      return sql`not ${isEnrolled} and not ${waits} and not ${used} and ${exists('invitations')}`
    case 'uninvited':
      return sql`not ${isEnrolled} and not ${exists('invitations')}`
    case 'never_used':
      return sql`not exists (select 1 from sessions as s where s.user_stem = ${STEM})`
    case 'disabled':
      return ofUser(sql`u.enabled = 0`)
    case 'expiring':
      return ofUser(sql`u.expires_at < ${expiresBefore}`)
  }
}

/** A local user's subject is the name; that of others has any realm. */
function belongsTo(column: string, isLocal: boolean): Condition {
  const subject = sql.ref<string>(column)
  if (isLocal) return sql`${subject} = ${NAME}`
  return sql`(${subject} = ${NAME} or ${isInRealm(subject, NAME)})`
}

/**
 * What stands before the first `@`, as `usernameOf` has it; a subject has at most two. SQLite and PostgreSQL have no
 * function in common that finds a character: trimming all others from the end leaves the last mark there.
 */
export function withoutRealm(name: Name): Name {
  const trimmed = sql<string>`rtrim(rtrim(${name}, replace(${name}, '@', '')), '@')`
  return sql<string>`case when ${name} like '%@%@%' then rtrim(rtrim(${trimmed}, replace(${trimmed}, '@', '')), '@')
    when ${name} like '%@%' then ${trimmed} else ${name} end`
}

/** What SQL compares with `like` and the escape character `!`. */
export function containing(part: string): string {
  return `%${part.replaceAll(/[!%_]/g, '!$&')}%`
}
