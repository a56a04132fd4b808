import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** In place of a group's name: the row that each account has, whatever its groups. */
export const NO_GROUP = ''

/**
 * Whether every account that is known under a username is in one of the groups: local users by their record, others by
 * what their identity store said at their last sign-in. False where none is known.
 * @param stem a canonical username; null is nobody's.
 */
export function isOver(groups: readonly string[], stem: RawBuilder<unknown>): RawBuilder<SqlBool> {
  const given = groups.filter((group) => group !== NO_GROUP)
  if (given.length === 0) return sql<SqlBool>`1 = 0`
  const names = sql.join(given)
  const localIn = sql`exists (
    select 1 from user_groups as ug where ug.user_name = u.name and ug.group_name in (${names})
  )`
  const seenIn = sql`exists (
    select 1 from account_groups as g
    where g.user_stem = a.user_stem and g.source = a.source and g.subject = a.subject and g.group_name in (${names})
  )`
  // A local user may have a realm: between `name@` and `nameA`, as A follows the mark.
  const local = sql`select 1 from users as u
    where (u.name = ${stem} or (u.name > ${stem} || '@' and u.name < ${stem} || 'A'))`
  const seen = sql`select 1 from account_groups as a where a.user_stem = ${stem} and a.group_name = ${NO_GROUP}`
  return sql<SqlBool>`(
    (exists (${local} and ${localIn}) or exists (${seen} and ${seenIn}))
    and not exists (${local} and not ${localIn}) and not exists (${seen} and not ${seenIn})
  )`
}
