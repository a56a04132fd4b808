import type { PasswordNotice } from './account-state.ts'
import type { Locale } from './locale.ts'

/** A user's own addresses and reply attributes, from the local record or from a directory. */
export interface StaticAttributes {
  readonly ipv4?: string
  readonly ipv6?: string
  readonly routes?: readonly string[]
  readonly dns?: readonly string[]
  /** Seconds. */
  readonly sessionTimeout?: number
  /** Further reply attributes by dictionary name. */
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** What an identity store knows about a user. */
export interface Account {
  /** The user's canonical name, if another of the user's names was typed. */
  readonly name?: string
  readonly groups: readonly string[]
  readonly attributes: StaticAttributes
  /** Where the broker itself has the user's record: its version, which changes with the password. */
  readonly record?: string
  /** When the account ends, in wall milliseconds; absent: it does not, or the store does not tell. */
  readonly endsAt?: number
  /** What the directory said of the password. */
  readonly notice?: PasswordNotice
  /** Where mails to the user go; absent: the store does not tell. */
  readonly mail?: string
  /** In which mails are written. */
  readonly language?: Locale
}

/** Tells an account from every other of all identity stores, whichever of its names was typed. */
export type AccountId = Pick<Person, 'source' | 'subject'>

export function accountKey({ source, subject }: AccountId): string {
  return `${source}/${subject}`
}

/** A user whom an identity store has confirmed. */
export interface Person extends Omit<Account, 'name' | 'mail' | 'language'> {
  /** The key of second factors and records; unique over all identity stores. */
  readonly subject: string
  /** The identity store that confirmed the user. */
  readonly source: string
}

/**
 * `Person.subject` of an account that a candidate's store returned. A user with several names (a second uid, a mail
 * address) has one second factor, whichever name is typed.
 */
export function subjectOf(
  { subject, realm }: { readonly subject: string; readonly realm?: string },
  { name }: Pick<Account, 'name'>,
): string {
  if (name === undefined) return subject
  return realm === undefined ? name : `${name}@${realm}`
}
