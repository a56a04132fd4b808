import type { Locale } from '../domain/locale.ts'
import type { NewMail } from '../domain/mail.ts'

/** Whom a code is sent to. */
export interface Recipient {
  /** As the user types it. */
  readonly name: string
  readonly address: string
  readonly language: Locale
}

/** Why no mail can be sent to a user. */
export type NoRecipient = 'barred' | 'no_address' | 'too_many_mails'

/** Mails that bring codes of one kind. */
export interface CodeMails {
  /** @returns why no mail can be sent to the user of this name. @throws Unavailable */
  recipientOf(name: string): Promise<Recipient | NoRecipient>
  mailFor(
    about: { readonly subject: string; readonly createdAt: number; readonly expiresAt: number },
    code: string,
    recipient: Recipient,
  ): NewMail
}

/** A code that is shown only now. */
export interface ShownCode {
  readonly code: string
  /** Wall milliseconds. */
  readonly until: number
}

/** How long a code is valid unless told otherwise, in milliseconds. */
export const DEFAULT_CODE_MS = 24 * 3_600_000
