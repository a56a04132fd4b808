import type { KeyRing } from '../domain/key-ring.ts'
import type { Locale } from '../domain/locale.ts'
import type { CodeMailKind, MailContent, MailStore } from '../domain/mail.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { CodeMails } from '../manage/code-mails.ts'
import type { Contact } from '../manage/contact.ts'
import { sealContent } from './content.ts'

export interface CodeMailOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly kind: CodeMailKind
  readonly mails: Pick<MailStore, 'madeSince'>
  readonly keys: KeyRing
  /** For users whose language is not known. */
  readonly locale: Locale
  /** Mails of this kind to one user within a day. */
  readonly perUser: number
  /** @throws Unavailable */
  readonly contactOf: (name: string) => Promise<Contact | undefined>
}

const DAY_MS = 86_400_000

/** Makes the mails that bring a code; each is worth something for as long as its code. */
export function codeMails(options: CodeMailOptions): CodeMails {
  const { kind, mails, keys, locale, perUser, contactOf, clock, random } = options
  return {
    async recipientOf(name) {
      const contact = await contactOf(name)
      if (contact === undefined) return 'barred'
      const { subject, mail, language = locale } = contact
      if (mail === undefined) return 'no_address'
      const made = await mails.madeSince(subject, clock.now() - DAY_MS, kind)
      return made >= perUser ? 'too_many_mails' : { name, address: mail, language }
    },
    mailFor({ subject, createdAt, expiresAt }, code, { name, address, language }) {
      const id = random.id()
      const content: MailContent = { locale: language, name, at: expiresAt, code }
      const sealed = sealContent(keys, id, content)
      return { id, kind, subject, to: address, createdAt, expiresAt, sealed }
    },
  }
}
