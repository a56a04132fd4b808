import type { Kysely } from 'kysely'
import type { NewMail } from '../domain/mail.ts'
import type { PasswordLink, PasswordLinkStore } from '../domain/password-link.ts'
import { mayLogIn } from '../domain/user.ts'
import { mappingOf } from './columns.ts'
import { addMail, replaceCodeMails } from './mails.ts'
import { transact } from './prepared.ts'
import type { PasswordLinkRow, Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'
import { findLocalUser, updateUser } from './user-changes.ts'

/** Thrown in the transaction of a password that is not to be set, so that nothing of it stays. */
class NotRedeemed extends Error {
  override readonly name = 'NotRedeemed'
}

export class SqlPasswordLinks extends SqlRepository implements PasswordLinkStore {
  put(link: PasswordLink, mail?: NewMail): Promise<boolean> {
    const row = toRow(link)
    return transact(this.db, async (db) => {
      if (!(await isGood(db, link.user, link.createdAt))) return false
      await db
        .insertInto('password_links')
        .values(row)
        .onConflict((conflict) => conflict.column('user_name').doUpdateSet(row))
        .execute()
      await replaceCodeMails(db, 'password_link', link.user, link.createdAt)
      if (mail !== undefined) await addMail(db, mail)
      return true
    })
  }

  find(hash: string): Promise<PasswordLink | undefined> {
    return this.#first('hash', hash)
  }

  ofUser(user: string): Promise<PasswordLink | undefined> {
    return this.#first('user_name', user)
  }

  async redeem(hash: string, passwordHash: string, now: number): Promise<boolean> {
    const link = await this.find(hash)
    if (link === undefined) return false
    try {
      await transact(this.db, async (db) => {
        // Locks the user first, as every other change of the user does.
        if (!(await updateUser(db, link.user, { passwordHash }))) throw new NotRedeemed()
        if (!(await isGood(db, link.user, now))) throw new NotRedeemed()
        if (!(await spend(db, hash, now))) throw new NotRedeemed()
      })
      return true
    } catch (error) {
      if (error instanceof NotRedeemed) return false
      throw error
    }
  }

  async #first(column: 'hash' | 'user_name', value: string): Promise<PasswordLink | undefined> {
    const row = await this.db
      .selectFrom('password_links')
      .selectAll()
      .where(column, '=', value)
      .executeTakeFirst()
    return row && fromRow(row)
  }
}

async function isGood(db: Kysely<Tables>, name: string, now: number): Promise<boolean> {
  const user = await findLocalUser(db, name)
  return user !== undefined && mayLogIn(user, now)
}

async function spend(db: Kysely<Tables>, hash: string, now: number): Promise<boolean> {
  const spent = await db
    .updateTable('password_links')
    .set({ used_at: now, expires_at: now })
    .where('hash', '=', hash)
    .where('expires_at', '>', now)
    .where('used_at', 'is', null)
    .returning('user_name')
    .executeTakeFirst()
  return spent !== undefined
}

const { toRow, fromRow } = mappingOf<PasswordLink, PasswordLinkRow>()({
  user: 'user_name',
  hash: 'hash',
  createdAt: 'created_at',
  createdBy: 'created_by',
  expiresAt: 'expires_at',
  usedAt: 'used_at',
})
