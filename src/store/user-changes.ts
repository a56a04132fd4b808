import type { AliasedSelectQueryBuilder, Kysely } from 'kysely'
import type { Randomness } from '../domain/random.ts'
import type { OrderCause } from '../domain/session-order.ts'
import type { LocalUser, UserChange } from '../domain/user.ts'
import { forgetCodeMails } from './mails.ts'
import { ofLocalUser, orderEnds } from './order-ends.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables, UserRow } from './schema.ts'
import { SqlTrusts } from './trusts.ts'
import { addressesAndAttributes, usersOf } from './user-rows.ts'

/** A row for each group of each user, so that users with their groups are one statement. */
export function withGroups(db: Kysely<Tables>, users: AliasedSelectQueryBuilder<UserRow, 'u'>) {
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

/** @returns false where the name, or an address, is another user's. */
export async function addUser(db: Kysely<Tables>, user: LocalUser): Promise<boolean> {
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
  if (added === undefined) return false
  await addGroups(db, user.name, user.groups)
  return true
}

/** @returns false where there is no such user. */
export async function changeUser(
  db: Kysely<Tables>,
  name: string,
  change: UserChange,
  ends: OrderCause | undefined,
  random: Randomness,
): Promise<boolean> {
  if (!(await updateUser(db, name, change))) return false
  if (endsPasswordLink(change)) await endPasswordLink(db, name)
  if (change.groups !== undefined) {
    await db.deleteFrom('user_groups').where('user_name', '=', name).execute()
    await addGroups(db, name, change.groups)
  }
  if (ends !== undefined) await orderEnds(db, ofLocalUser(name), ends, random)
  return true
}

/** @returns false where there is no such user. */
export async function updateUser(db: Kysely<Tables>, name: string, change: UserChange): Promise<boolean> {
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

/** Whoever made the link had no more rights than the user then; new groups may give the user more. */
function endsPasswordLink({ passwordHash, enabled, groups }: UserChange): boolean {
  return passwordHash !== undefined || enabled === false || groups !== undefined
}

/** One that was used stays, so that its holder is told. */
async function endPasswordLink(db: Kysely<Tables>, name: string): Promise<void> {
  await db.deleteFrom('password_links').where('user_name', '=', name).where('used_at', 'is', null).execute()
  await forgetCodeMails(db, 'password_link', name)
}

export async function exists(db: Kysely<Tables>, name: string): Promise<boolean> {
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
