import { type InvitationStore, invitationHash, newInvitationCode } from '../domain/invitation.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'

export interface InvitingOptions extends RecordAuditOptions {
  readonly invitations: Pick<InvitationStore, 'put'>
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

  /** Replaces any earlier invitation of the subject. @throws Unavailable */
  async invite(
    subject: string,
    context: AuditContext & { readonly actor: string },
    ttlMs: number = DEFAULT_TTL_MS,
  ): Promise<ShownInvitation> {
    const { invitations, clock, random } = this.#options
    const code = newInvitationCode(random)
    const createdAt = clock.now()
    const expiresAt = createdAt + ttlMs
    await invitations.put({
      id: random.id(),
      subject,
      hash: invitationHash(code),
      createdAt,
      createdBy: context.actor,
      expiresAt,
    })
    await recordAudit(context, { kind: 'invitation.made', user: subject }, this.#options)
    return { code, until: expiresAt }
  }
}
