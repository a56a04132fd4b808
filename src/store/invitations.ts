import type { Kysely } from 'kysely'
import type { Invitation, InvitationStore } from '../domain/invitation.ts'
import type { InvitationRow, Tables } from './schema.ts'

export class SqlInvitations implements InvitationStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async put(invitation: Invitation): Promise<void> {
    const row: InvitationRow = {
      id: invitation.id,
      subject: invitation.subject,
      hash: invitation.hash,
      created_at: invitation.createdAt,
      created_by: invitation.createdBy,
      expires_at: invitation.expiresAt,
    }
    await this.#db
      .insertInto('invitations')
      .values(row)
      .onConflict((conflict) => conflict.column('subject').doUpdateSet(row))
      .execute()
  }

  async redeem(hash: string, subjects: readonly string[], now: number): Promise<Invitation | undefined> {
    if (subjects.length === 0) return undefined
    const row = await this.#db
      .deleteFrom('invitations')
      .where('hash', '=', hash)
      .where('subject', 'in', subjects)
      .where('expires_at', '>', now)
      .returningAll()
      .executeTakeFirst()
    return row === undefined ? undefined : invitationOf(row)
  }
}

function invitationOf({ created_at, created_by, expires_at, ...row }: InvitationRow): Invitation {
  return { ...row, createdAt: created_at, createdBy: created_by, expiresAt: expires_at }
}
