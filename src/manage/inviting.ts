import { type InvitationStore, invitationHash, newInvitationCode } from '../domain/invitation.ts'
import { stemOf } from '../domain/login-name.ts'
import { type Deed, type WitnessOptions, witness } from './deed.ts'

export interface InvitingOptions extends WitnessOptions {
  readonly invitations: Pick<InvitationStore, 'put'>
}

/** An invitation that is shown this once. */
export interface ShownInvitation {
  /** For the user, to be typed at the portal with the user's name. */
  readonly code: string
  /** Wall milliseconds. */
  readonly until: number
}

/** How long an invitation is good where nobody says otherwise, in milliseconds. */
const INVITATION_MS = 24 * 3_600_000

/** Lets users enrol an authenticator in place of signing in, as on the first day or when the old one is lost. */
export class Inviting {
  readonly #options: InvitingOptions

  constructor(options: InvitingOptions) {
    this.#options = options
  }

  /** Puts it in the place of any earlier one of the subject. @param deed with the actor; @throws Unavailable */
  async invite(
    subject: string,
    deed: Deed & { readonly actor: string },
    forMs: number = INVITATION_MS,
  ): Promise<ShownInvitation> {
    const { invitations, clock, random } = this.#options
    const code = newInvitationCode(random)
    const createdAt = clock.now()
    const expiresAt = createdAt + forMs
    await invitations.put({
      id: random.id(),
      subject,
      hash: invitationHash(code),
      createdAt,
      createdBy: deed.actor,
      expiresAt,
    })
    await witness(deed, { kind: 'invitation.made', user: stemOf(subject) }, this.#options)
    return { code, until: expiresAt }
  }
}
