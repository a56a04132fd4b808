import { type AliasedSelectQueryBuilder, type Kysely, sql } from 'kysely'
import type { Randomness } from '../domain/random.ts'
import type { OrderCause } from '../domain/session-order.ts'
import type { EndingSearch, LocalUser, UserChange, UserSearch, UserStore } from '../domain/user.ts'
import { isOver } from './is-over.ts'
import { ofLocalUser, orderEnds } from './order-ends.ts'
import { type Param, prepared, transact } from './prepared.ts'
import type { Tables, UserRow } from './schema.ts'
import { SqlTrusts } from './trusts.ts'
import { UniqueViolation } from './unique-violation.ts'
import { addressesAndAttributes, usersOf } from './user-rows.ts'

export class SqlUsers implements UserStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  find(name: string): Promise<LocalUser | undefined> {
    return findLocalUser(this.#db, name)
  }

  async list({ over, group, enabled, after, limit }: UserSearch): Promise<readonly LocalUser[]> {
    let users = this.#db.selectFrom('users').selectAll()
    if (over !== undefined) users = users.where(isOver(over, sql.ref('users.name')))
    if (enabled !== undefined) users = users.where('enabled', '=', enabled ? 1 : 0)
    if (group !== undefined)
      users = users.where('name', 'in', (query) =>
        query.selectFrom('user_groups').select('user_name').where('group_name', '=', group),
      )
    if (after !== undefined) users = users.where('name', '>', after)
    return usersOf(await withGroups(this.#db, users.orderBy('name').limit(limit).as('u')).execute())
  }

  async ending({ now, before, after, limit }: EndingSearch) {
    let users = this.#db
      .selectFrom('users')
      .select(['name', 'expires_at'])
      .where('enabled', '=', 1)
      .where('expires_at', '>', now)
      .where('expires_at', '<', before)
    if (after !== undefined) users = users.where('name', '>', after)
    const rows = await users.orderBy('name').limit(limit).execute()
    return rows.flatMap(({ name, expires_at }) =>
      expires_at === null ? [] : [{ name, expiresAt: expires_at }],
    )
  }

  async add(user: LocalUser): Promise<'added' | 'exists' | 'address_taken'> {
    return transact(this.#db, async (db) => {
      const added = await db
        .insertInto('users')
        .values({
          name: user.name,
          password_hash: user.passwordHash ?? null,
          enabled: user.enabled ? 1 : 0,
          expires_at: user.expiresAt ?? null,
          created_at: user.createdAt,
          mail: user.mail ?? null,
          language: user.language ?? null,
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

  async change(
    name: string,
    change: UserChange,
    ends?: OrderCause,
  ): Promise<'changed' | 'unknown' | 'address_taken'> {
    try {
      return await transact(this.#db, async (db) => {
        if (!(await update(db, name, change))) return 'unknown'
        if (change.groups !== undefined) {
          await db.deleteFrom('user_groups').where('user_name', '=', name).execute()
          await addGroups(db, name, change.groups)
        }
        if (ends !== undefined) await orderEnds(db, ofLocalUser(name), ends, this.#random)
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

  async remove(name: string, ends?: OrderCause): Promise<boolean> {
    return transact(this.#db, async (db) => {
      // Groups go with what they belong to. An authenticator may be that of another store's user of the same name.
      const removed = await db
        .deleteFrom('users')
        .where('name', '=', name)
        .returning('name')
        .executeTakeFirst()
      if (removed === undefined) return false
      await new SqlTrusts(db).revokeAllOf(name)
      if (ends !== undefined) await orderEnds(db, ofLocalUser(name), ends, this.#random)
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

export async function findLocalUser(db: Kysely<Tables>, name: string): Promise<LocalUser | undefined> {
  return usersOf((await findUser(db, { name })).rows)[0]
}

const findUser = prepared((db, value: Param<{ name: string }>) =>
  withGroups(db, db.selectFrom('users').selectAll().where('name', '=', value('name')).as('u')),
)

/** @returns false where there is no such user. */
async function update(db: Kysely<Tables>, name: string, change: UserChange): Promise<boolean> {
  const { passwordHash, enabled, expiresAt, attributes, mail, language } = change
  const columns = {
    password_hash: passwordHash,
    enabled: enabled === undefined ? undefined : Number(enabled),
    expires_at: expiresAt,
    mail,
    language,
    ...(attributes && addressesAndAttributes(attributes)),
  }
  if (Object.values(columns).every((value) => value === undefined)) return exists(db, name)
  const endsSignIns = passwordHash !== undefined || enabled === false
  const changed = await db
    .updateTable('users')
    .set((row) => ({ ...columns, ...(endsSignIns && { revision: row('revision', '+', 1) }) }))
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst()
  if (endsSignIns) await new SqlTrusts(db).revokeAllOf(name)
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
