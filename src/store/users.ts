import type { AliasedSelectQueryBuilder, Kysely } from 'kysely'
import type { LocalUser, UserChange, UserSearch, UserStore } from '../domain/user.ts'
import { type Place, prepared } from './prepared.ts'
import type { Tables, UserRow } from './schema.ts'
import { UniqueViolation } from './unique-violation.ts'
import { addressesAndAttributes, usersOf } from './user-rows.ts'

export class SqlUsers implements UserStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async find(name: string): Promise<LocalUser | undefined> {
    return usersOf((await findUser(this.#db, { name })).rows)[0]
  }

  async list({ group, enabled, after, limit }: UserSearch): Promise<readonly LocalUser[]> {
    let users = this.#db.selectFrom('users').selectAll()
    if (enabled !== undefined) users = users.where('enabled', '=', enabled ? 1 : 0)
    if (group !== undefined)
      users = users.where('name', 'in', (query) =>
        query.selectFrom('user_groups').select('user_name').where('group_name', '=', group),
      )
    if (after !== undefined) users = users.where('name', '>', after)
    return usersOf(await withGroups(this.#db, users.orderBy('name').limit(limit).as('u')).execute())
  }

  async add(user: LocalUser): Promise<'added' | 'exists' | 'address_taken'> {
    return this.#db.transaction().execute(async (db) => {
      const added = await db
        .insertInto('users')
        .values({
          name: user.name,
          password_hash: user.passwordHash ?? null,
          enabled: user.enabled ? 1 : 0,
          expires_at: user.expiresAt ?? null,
          created_at: user.createdAt,
          ...addressesAndAttributes(user.attributes),
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('name')
        .executeTakeFirst()
      if (added === undefined) return (await exists(db, user.name)) ? 'exists' : 'address_taken'
      await addGroups(db, user.name, user.groups)
      return 'added'
    })
  }

  async change(name: string, change: UserChange): Promise<'changed' | 'unknown' | 'address_taken'> {
    try {
      return await this.#db.transaction().execute(async (db) => {
        if (!(await update(db, name, change))) return 'unknown'
        if (change.groups !== undefined) {
          await db.deleteFrom('user_groups').where('user_name', '=', name).execute()
          await addGroups(db, name, change.groups)
        }
        return 'changed'
      })
    } catch (error) {
      if (error instanceof UniqueViolation) return 'address_taken'
      throw error
    }
  }

  async renewPasswordHash(name: string, from: string, to: string): Promise<boolean> {
    const renewed = await this.#db
      .updateTable('users')
      .set({ password_hash: to })
      .where('name', '=', name)
      .where('password_hash', '=', from)
      .returning('name')
      .executeTakeFirst()
    return renewed !== undefined
  }

  async remove(name: string): Promise<boolean> {
    return this.#db.transaction().execute(async (db) => {
      const removed = await db
        .deleteFrom('users')
        .where('name', '=', name)
        .returning('name')
        .executeTakeFirst()
      if (removed === undefined) return false
      // A local user's subject is their name. Groups and recovery codes go with what they belong to.
      await db.deleteFrom('enrolments').where('subject', '=', name).execute()
      await db.deleteFrom('invitations').where('subject', '=', name).execute()
      return true
    })
  }
}

/** A row for each group of each user, so that users with their groups are one statement. */
function withGroups(db: Kysely<Tables>, users: AliasedSelectQueryBuilder<UserRow, 'u'>) {
  return db
    .selectFrom(users)
    .leftJoin('user_groups as g', 'g.user_name', 'u.name')
    .selectAll('u')
    .select('g.group_name')
    .orderBy('u.name')
    .orderBy('g.position')
}

const findUser = prepared((db, value: Place<{ name: string }>) =>
  withGroups(db, db.selectFrom('users').selectAll().where('name', '=', value('name')).as('u')),
)

/** @returns false where there is no such user. */
async function update(db: Kysely<Tables>, name: string, change: UserChange): Promise<boolean> {
  const { passwordHash, enabled, expiresAt, attributes } = change
  const columns = {
    ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
    ...(enabled === undefined ? {} : { enabled: enabled ? 1 : 0 }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(attributes === undefined ? {} : addressesAndAttributes(attributes)),
  }
  if (Object.keys(columns).length === 0) return exists(db, name)
  const changed = await db
    .updateTable('users')
    .set(columns)
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst()
  return changed !== undefined
}

async function exists(db: Kysely<Tables>, name: string): Promise<boolean> {
  const found = await db.selectFrom('users').select('name').where('name', '=', name).executeTakeFirst()
  return found !== undefined
}

async function addGroups(db: Kysely<Tables>, user: string, groups: readonly string[]): Promise<void> {
  const rows = [...new Set(groups)].map((group, position) => ({
    user_name: user,
    group_name: group,
    position,
  }))
  if (rows.length > 0) await db.insertInto('user_groups').values(rows).execute()
}
