import type { Invitation, InvitationEnd, InvitationStore } from '../domain/invitation.ts'
import type { NewMail } from '../domain/mail.ts'
import { mappingOf } from './columns.ts'
import { addMail, forgetCodeMails, replaceCodeMails } from './mails.ts'
import { transact } from './prepared.ts'
import type { InvitationRow } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlInvitations extends SqlRepository implements InvitationStore {
  put(invitation: Invitation, mail?: NewMail): Promise<void> {
    const row = toRow(invitation)
    return transact(this.db, async (db) => {
      await db
        .insertInto('invitations')
        .values(row)
        .onConflict((conflict) => conflict.column('subject').doUpdateSet(row))
        .execute()
      await replaceCodeMails(db, 'invitation', invitation.subject, invitation.createdAt)
      if (mail !== undefined) await addMail(db, mail)
    })
  }

  async redeem(hash: string, subjects: readonly string[], now: number): Promise<Invitation | undefined> {
    if (subjects.length === 0) return undefined
    const row = await this.db
      .updateTable('invitations')
      .set({ used_at: now, expires_at: now })
      .where('hash', '=', hash)
      .where('subject', 'in', subjects)
      .where('expires_at', '>', now)
      .where('used_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
    return row && fromRow(row)
  }

  async endOf(hash: string, subjects: readonly string[]): Promise<InvitationEnd | undefined> {
    if (subjects.length === 0) return undefined
    const row = await this.db
      .selectFrom('invitations')
      .select('used_at')
      .where('hash', '=', hash)
      .where('subject', 'in', subjects)
      .executeTakeFirst()
    return row && (row.used_at === null ? 'expired' : 'used')
  }

  async revoke(subject: string): Promise<void> {
    await transact(this.db, async (db) => {
      await db.deleteFrom('invitations').where('subject', '=', subject).execute()
      await forgetCodeMails(db, 'invitation', subject)
    })
  }
}

const { toRow, fromRow } = mappingOf<Invitation, InvitationRow>()({
  id: 'id',
  subject: 'subject',
  hash: 'hash',
  createdAt: 'created_at',
  createdBy: 'created_by',
  expiresAt: 'expires_at',
  usedAt: 'used_at',
})
