import type { Locale } from './locale.ts'

/** What happened to a user, as users are told by mail. */
export const NOTICE_KINDS = [
  'enrolled',
  'locked',
  'recovery_code',
  'wrong_code',
  'account_ends',
  'password_ends',
] as const

export type NoticeKind = (typeof NOTICE_KINDS)[number]
/** Mails that bring a code, which is a right. */
export type CodeMailKind = 'invitation' | 'password_link'
export type MailKind = NoticeKind | CodeMailKind

/**
 * `expired`: it was worth nothing any more before it could be sent. `failed`: the server will never take it.
 * `replaced`: a later code has made it worthless.
 */
export type MailState = 'waiting' | 'sending' | 'sent' | 'failed' | 'expired' | 'replaced'

/** A mail to one user. Times are wall milliseconds. */
export interface Mail {
  /** Also in its Message-ID, which is the same in every try. */
  readonly id: string
  readonly kind: MailKind
  /** Whose it is: `Person.subject`. */
  readonly subject: string
  /** The address. */
  readonly to: string
  readonly state: MailState
  readonly createdAt: number
  /** It is not tried before. */
  readonly dueAt: number
  /** How often it was tried. */
  readonly tries: number
  /** From then on it is not sent any more. */
  readonly expiresAt: number
  /** When it was sent, or given up. */
  readonly endedAt?: number
  /** What the server said last, in one line. */
  readonly fault?: string
}

export interface NewMail extends Pick<Mail, 'id' | 'kind' | 'subject' | 'to' | 'createdAt' | 'expiresAt'> {
  /** `MailContent`, sealed: that of a code holds it. It is gone when the mail has been sent or given up. */
  readonly sealed: string
}

/** What a mail says; the words come with the language. */
export interface MailContent {
  readonly locale: Locale
  /** The name that the user types. */
  readonly name: string
  /** When it happened, or when something ends, in wall milliseconds. */
  readonly at: number
  /** From where. */
  readonly address?: string
  /** Of a mail that brings one. */
  readonly code?: string
  /** Whether the user gets no other notice for a day, whatever happens. */
  readonly isLast?: true
}

/** A mail that one process has taken to send. */
export interface TakenMail extends Mail {
  readonly sealed: string
}

/** The turn of one process. */
export interface MailTurn {
  readonly holder: string
  readonly now: number
  /** Wall milliseconds until which no other broker sends. */
  readonly until: number
}

/** The queue as a whole. */
export interface MailQueue {
  /** Mails that wait, counted up to `MAILS_COUNTED`. */
  readonly waiting: number
  /** When the first of them was made, in wall milliseconds. */
  readonly since?: number
  /** What the server said of the first of them. */
  readonly fault?: string
  /** Given up since then. */
  readonly failed: number
}

export const MAILS_COUNTED = 10_000

export interface MailSearch {
  readonly states?: readonly MailState[]
  readonly kinds?: readonly MailKind[]
  /** Canonical username, whatever the realm. */
  readonly user?: string
  readonly limit: number
}

/** The records are the queue. Every method may throw `Unavailable`. */
export interface MailStore {
  /** @returns `known` where a mail with this identifier was added before: it is not sent a second time. */
  add(mail: NewMail): Promise<'added' | 'known'>
  /** Notices, or mails of one kind, made for the subject since then. */
  madeSince(subject: string, since: number, what: 'notices' | CodeMailKind): Promise<number>
  /**
   * The next mail in the order in which they were made, and the turn to send it. One that a broker had taken when it
   * was killed comes again. Those that are worth nothing any more end here.
   * @returns undefined where nothing is due, or another broker is sending.
   */
  take(turn: MailTurn): Promise<TakenMail | undefined>
  /** @returns whether it was still this process's turn. */
  sent(id: string, turn: MailTurn): Promise<boolean>
  /** Puts it back. @param dueAt when it is tried again. */
  postpone(id: string, turn: MailTurn, dueAt: number, fault: string): Promise<void>
  /** Gives it up. */
  giveUp(id: string, turn: MailTurn, fault: string): Promise<void>
  /** Newest first. */
  list(search: MailSearch): Promise<readonly Mail[]>
  /** @param since of `failed`. */
  queue(since: number): Promise<MailQueue>
}
