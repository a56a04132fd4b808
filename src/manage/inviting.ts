import {
  type Invitation,
  type InvitationStore,
  invitationHash,
  newInvitationCode,
} from '../domain/invitation.ts'
import type { Locale } from '../domain/locale.ts'
import type { NewMail } from '../domain/mail.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'

export interface InvitingOptions extends RecordAuditOptions {
  readonly invitations: Pick<InvitationStore, 'put'>
  /** Absent: no mails are sent. */
  readonly mails?: InvitationMails
}

/** Whom an invitation is sent to. */
export interface Recipient {
  /** As the user types it. */
  readonly name: string
  readonly address: string
  readonly language: Locale
}

/** Invitations by mail. */
export interface InvitationMails {
  /** @returns why no mail can be sent to the user of this name. @throws Unavailable */
  recipientOf(name: string): Promise<Recipient | 'barred' | 'no_address' | 'too_many_mails'>
  mailFor(
    invitation: Pick<Invitation, 'subject' | 'createdAt' | 'expiresAt'>,
    code: string,
    recipient: Recipient,
  ): NewMail
}

/** An invitation; its code is shown only now. */
export interface ShownInvitation {
  /** The user types it at the portal, with the user's name. */
  readonly code: string
  /** Wall milliseconds. */
  readonly until: number
}

/** How long an invitation is valid unless told otherwise, in milliseconds. */
const DEFAULT_TTL_MS = 24 * 3_600_000

/** Lets users enrol an authenticator instead of signing in, as on the first day or when the old one is lost. */
export class Inviting {
  readonly #options: InvitingOptions

  constructor(options: InvitingOptions) {
    this.#options = options
  }

  /** By which invitations can be sent; absent: the configuration sends no mails. */
  get mails(): InvitationMails | undefined {
    return this.#options.mails
  }

  /**
   * Replaces any earlier invitation of the subject.
   * @param recipient to whom it is sent as well, together with it or not at all. @throws Unavailable
   */
  async invite(
    subject: string,
    context: AuditContext & { readonly actor: string },
    ttlMs: number = DEFAULT_TTL_MS,
    recipient?: Recipient,
  ): Promise<ShownInvitation> {
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
