import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import {
  type ListedPerson,
  type PeopleSearch,
  type PeopleStore,
  type RollOutCounts,
  type RollOutSearch,
  STANDINGS,
} from '../domain/people.ts'
import {
  conditionsOf,
  meets,
  type PeopleConditions,
  type PeopleSource,
  sourcesOf,
  withoutRealm,
} from './people-sources.ts'
import { SqlRepository } from './sql-repository.ts'
import { usersOf } from './user-rows.ts'

export class SqlPeople extends SqlRepository implements PeopleStore {
  async list(search: PeopleSearch): Promise<readonly ListedPerson[]> {
    const found = await Promise.all(sourcesOf(search).map((source) => this.#namesIn(source, search)))
    const names = [...new Set(found.flat())].sort().slice(0, search.limit)
    return names.length === 0 ? [] : this.#peopleOf(names, search.now)
  }

  async rollOut({ moments, ...search }: RollOutSearch): Promise<RollOutCounts> {
    const all: PeopleConditions = { ...search, filter: 'all', expiresBefore: search.now }
    const [first, ...rest] = sourcesOf(all).map((source) => this.#judged(source, all, moments))
    // Nobody comes twice: whom two tables name, both judge alike.
    const everybody = rest.reduce((some, more) => sql`${some} union ${more}`, first ?? sql``)
    const columns = Array.from({ length: STANDINGS.length + moments.length }, (_, index) => columnOf(index))
    const sums = columns.map((column) => sql`coalesce(sum(${column}), 0) as ${column}`)
    const { rows } = await sql<Readonly<Record<string, number | string>>>`
      select ${sql.join(sums)} from (${everybody}) as everybody
    `.execute(this.db)
    const counts = columns.map((_, index) => Number(rows[0]?.[`c${index}`]))
    const standings = STANDINGS.map((standing, index) => [standing, counts[index]])
    return {
      standings: Object.fromEntries(standings) as RollOutCounts['standings'],
      enrolledBefore: counts.slice(STANDINGS.length),
    }
  }

  /** The names of a source, with 1 for each standing and moment that is true of the person. */
  #judged(source: PeopleSource, all: PeopleConditions, moments: readonly number[]): RawBuilder<unknown> {
    const isTrue = [
      ...STANDINGS.map((standing) => meets(standing, all, source)),
      ...moments.map((enrolledBefore) => meets('enrolled', { ...all, enrolledBefore }, source)),
    ]
    const columns = isTrue.map(
      (each, index) => sql`case when ${each} then 1 else 0 end as ${columnOf(index)}`,
    )
    return sql`
      select p.name as name, ${sql.join(columns)} from ${source.rows} as p where ${conditionsOf(all, source)}`
  }

  async #namesIn(source: PeopleSource, search: PeopleSearch): Promise<readonly string[]> {
    const { rows } = await sql<{ name: string }>`
      select p.name from ${source.rows} as p where ${conditionsOf(search, source)}
      ${source.isInOrder ? sql`` : sql`order by p.name`} limit ${search.limit}
    `.execute(this.db)
    return rows.map(({ name }) => name)
  }

  async #peopleOf(names: readonly string[], now: number): Promise<readonly ListedPerson[]> {
    const stems = [...new Set(names.map(usernameOf))]
    const [locals, enrolled, passkeys, logins, locked, invited, seen] = await Promise.all([
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
      this.db
        .selectFrom('passkeys')
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
        passkeyAt: passkeys.find(isOwn)?.at,
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

/** Whether the row's subject is one of these names, or one of them with a realm. */
function belongsTo(names: readonly string[], stems: readonly string[]): Expression<SqlBool> {
  const subject = sql.ref<string>('subject')
  return sql<SqlBool>`(${subject} in (${sql.join(names)}) or (
    ${subject} like '%@%' and ${withoutRealm(subject)} in (${sql.join(stems)})
  ))`
}

function columnOf(index: number): RawBuilder<unknown> {
  return sql.ref(`c${index}`)
}
