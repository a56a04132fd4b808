import { Unavailable } from '../domain/errors.ts'
import type { AuditContext } from './audit-context.ts'
import type { Inviting } from './inviting.ts'

/** Somebody who is to be invited. */
export interface Invitee {
  /** As it stands in the link: a name under which a sign-in finds the subject. */
  readonly name: string
  readonly subject: string
  /** The identity store that listed the user, and what it said. */
  readonly store?: string
  readonly groups?: readonly string[]
  readonly mail?: string
}

/** Why somebody of those that were chosen was not invited; `more`: too many at once. */
export type WhyNotInvited =
  | 'unknown'
  | 'forbidden'
  | 'unavailable'
  | 'barred'
  | 'enrolled'
  | 'no_address'
  | 'too_many_mails'
  | 'more'

export interface NotInvited {
  readonly name: string
  readonly why: WhyNotInvited
}

/** Somebody who was invited. The code is nowhere else. */
export interface Invited extends Invitee {
  readonly code: string
  /** Wall milliseconds. */
  readonly until: number
  /** Of the page where the code is entered, with the name; absent without `portal.public_url`. */
  readonly link?: string
}

export interface InvitingManyOptions {
  readonly inviting: Inviting
  readonly context: AuditContext & { readonly actor: string }
  /** How long the invitations are valid, in milliseconds. */
  readonly validMs: number
  readonly publicUrl?: string
  /** Whether each is sent to its user; whoever cannot be sent one is not invited. */
  readonly byMail?: boolean
}

/** Invites one after the other. Whom it cannot invite comes with the reason, so that nobody is left out silently. */
export async function* inviteMany(
  selection: AsyncIterable<Invitee | NotInvited>,
  { inviting, context, validMs, publicUrl, byMail }: InvitingManyOptions,
): AsyncGenerator<Invited | NotInvited> {
  for await (const each of selection) {
    if (!isInvitee(each)) {
      yield each
      continue
    }
    const { name, subject } = each
    try {
      const recipient = byMail === true ? await inviting.mails?.recipientOf(name) : undefined
      if (typeof recipient === 'string') {
        yield { name, why: recipient }
        continue
      }
      const { code, until } = await inviting.invite(subject, context, validMs, recipient)
      const link = publicUrl && `${publicUrl}/enrol?${new URLSearchParams({ name })}`
      yield { ...each, code, until, link }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      yield { name, why: 'unavailable' }
    }
  }
}

export function isInvitee<T extends Invitee>(each: T | NotInvited): each is T {
  return !('why' in each)
}
