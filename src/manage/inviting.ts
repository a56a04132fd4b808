import { type InvitationStore, invitationHash, newInvitationCode } from '../domain/invitation.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'
import { type CodeMails, DEFAULT_CODE_MS, type Recipient, type ShownCode } from './code-mails.ts'

export interface InvitingOptions extends RecordAuditOptions {
  readonly invitations: Pick<InvitationStore, 'put'>
  /** Absent: no mails are sent. */
  readonly mails?: CodeMails
}

/** Lets users enrol an authenticator instead of signing in, as on the first day or when the old one is lost. */
export class Inviting {
  readonly #options: InvitingOptions

  constructor(options: InvitingOptions) {
    this.#options = options
  }

  /** By which invitations can be sent; absent: the configuration sends no mails. */
  get mails(): CodeMails | undefined {
    return this.#options.mails
  }

  /**
   * Replaces any earlier invitation of the subject.
   * @param recipient to whom it is sent as well, together with it or not at all.
   * @returns the code, which the user types at the portal with the user's name. @throws Unavailable
   */
  async invite(
    subject: string,
    context: AuditContext & { readonly actor: string },
    ttlMs: number = DEFAULT_CODE_MS,
    recipient?: Recipient,
  ): Promise<ShownCode> {
    const { invitations, mails, clock, random } = this.#options
    const code = newInvitationCode(random)
    const createdAt = clock.now()
    const expiresAt = createdAt + ttlMs
    const invitation = {
      ...{ id: random.id(), subject, hash: invitationHash(code), createdAt, expiresAt },
      createdBy: context.actor,
    }
    const mail = recipient && mails?.mailFor(invitation, code, recipient)
    await invitations.put(invitation, mail)
    const detail = mail === undefined ? undefined : `mail to ${mail.to}`
    await recordAudit(context, { kind: 'invitation.made', user: subject, detail }, this.#options)
    return { code, until: expiresAt }
  }
}
