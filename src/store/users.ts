import { type Kysely, sql } from 'kysely'
import type { Randomness } from '../domain/random.ts'
import type { OrderCause } from '../domain/session-order.ts'
import type {
  EndingSearch,
  LocalUser,
  UserChange,
  UserListChange,
  UserSearch,
  UserStore,
} from '../domain/user.ts'
import { applyUserList } from './apply-user-list.ts'
import { isOver } from './is-over.ts'
import { forgetCodeMails } from './mails.ts'
import { ofLocalUser, orderEnds } from './order-ends.ts'
import { unlessOvertaken } from './overtaken.ts'
import { transact } from './prepared.ts'
import type { Tables } from './schema.ts'
import { SqlTrusts } from './trusts.ts'
import { UniqueViolation } from './unique-violation.ts'
import { addUser, changeUser, exists, findLocalUser, withGroups } from './user-changes.ts'
import { usersOf } from './user-rows.ts'

/** Values of one statement. */
const AT_ONCE = 200

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
      if (await addUser(db, user)) return 'added'
      return (await exists(db, user.name)) ? 'exists' : 'address_taken'
    })
  }

  applyList(list: UserListChange): Promise<'done' | 'overtaken'> {
    return unlessOvertaken(transact(this.#db, (db) => applyUserList(db, list, this.#random)))
  }

  async ownersOf(addresses: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const owners = new Map<string, string>()
    for (let at = 0; at < addresses.length; at += AT_ONCE) {
      const some = addresses.slice(at, at + AT_ONCE)
      const rows = await this.#db
        .selectFrom('users')
        .select(['name', 'ipv4', 'ipv6'])
        .where((row) => row.or([row('ipv4', 'in', some), row('ipv6', 'in', some)]))
        .execute()
      for (const { name, ipv4, ipv6 } of rows)
        for (const address of [ipv4, ipv6]) if (address !== null) owners.set(address, name)
    }
    return owners
  }

  async change(
    name: string,
    change: UserChange,
    ends?: OrderCause,
  ): Promise<'changed' | 'unknown' | 'address_taken'> {
    try {
      return await transact(this.#db, async (db) =>
        (await changeUser(db, name, change, ends, this.#random)) ? 'changed' : 'unknown',
      )
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
      await forgetCodeMails(db, 'password_link', name)
      if (ends !== undefined) await orderEnds(db, ofLocalUser(name), ends, this.#random)
      return true
    })
  }
}
