import type { KeyRing } from '../domain/key-ring.ts'
import type { Locale } from '../domain/locale.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { MailContent, MailStore, NoticeKind } from '../domain/mail.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Contact } from '../manage/contact.ts'
import { mailIdOf, sealContent } from './content.ts'
import type { Notice } from './notices.ts'

export interface QueueingOptions extends Pick<Runtime, 'clock'> {
  readonly mails: Pick<MailStore, 'add' | 'madeSince'>
  readonly keys: KeyRing
  /** For users whose language is not known. */
  readonly locale: Locale
  /** Notices to one user within a day. */
  readonly perUser: number
  readonly kinds: ReadonlySet<NoticeKind>
  /** @throws Unavailable */
  readonly contactOf: (name: string) => Promise<Contact | undefined>
}

const DAY_MS = 86_400_000
/** A notice that could not be sent for so long tells nothing that matters any more. */
const WORTH_MS = 3 * DAY_MS
/** An event that is found later was written before mails were switched on, or while no broker ran. */
const MAX_AGE_MS = DAY_MS
/** People whose addresses are kept for a while: a flood of events asks a directory once for each. */
const MAX_CONTACTS = 1000
const CONTACT_MS = 5 * 60_000

/** Puts notices into the queue, each cause once, and few for one user. */
export class Queueing {
  readonly #options: QueueingOptions
  readonly #contacts = new Map<string, { readonly until: number; readonly contact: Contact | undefined }>()

  constructor(options: QueueingOptions) {
    this.#options = options
  }

  /** @throws Unavailable; the same notice may be added again then. */
  async add(notice: Notice, since: number): Promise<void> {
    const { mails, clock, kinds, perUser, keys, locale } = this.#options
    const now = clock.now()
    const { kind, cause, at, address } = notice
    if (!kinds.has(kind) || since < now - MAX_AGE_MS) return
    const contact = await this.#contactOf(notice.name)
    if (contact?.mail === undefined) return
    const { subject, mail: to, language = locale } = contact
    const made = await mails.madeSince(subject, now - DAY_MS, 'notices')
    if (made >= perUser) return
    const id = mailIdOf(kind, ...cause)
    const isLast = made + 1 === perUser ? ({ isLast: true } as const) : {}
    const content: MailContent = { locale: language, name: usernameOf(subject), at, address, ...isLast }
    const sealed = sealContent(keys, id, content)
    await mails.add({ id, kind, subject, to, createdAt: now, expiresAt: now + WORTH_MS, sealed })
  }

  async #contactOf(name: string): Promise<Contact | undefined> {
    const now = this.#options.clock.monotonic()
    const known = this.#contacts.get(name)
    if (known !== undefined && known.until > now) return known.contact
    const contact = await this.#options.contactOf(name)
    if (this.#contacts.size >= MAX_CONTACTS) this.#contacts.clear()
    this.#contacts.set(name, { contact, until: now + CONTACT_MS })
    return contact
  }
}
