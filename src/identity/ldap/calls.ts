import type { Account, Barred } from '../../domain/person.ts'
import type { AccountFacts } from './active-directory.ts'
import type { DirectorySettings } from './settings.ts'

/** What the main thread asks. A password crosses once, for the one bind that it is for. */
export type Question =
  | readonly ['login', user: string, password: string]
  /** The same while the password is not known yet: `Sequel` brings it. */
  | readonly ['begin', user: string]
  | readonly ['find', user: string]
  | readonly ['prove', user: FoundUser, password: string]
  | readonly ['lookup', user: string]
  | readonly ['check']

/** A user's entry, and what its account would be; groups that have to be searched for are not in it yet. */
export interface FoundUser {
  readonly name: string
  readonly dn: string
  /** Of posixAccount. */
  readonly uid?: string
  readonly gid?: string
  /** The server that knew the entry: another one may have counted other wrong passwords. */
  readonly server: string
  readonly account: Account
  readonly facts: AccountFacts
}

export type Outcome =
  | { readonly kind: 'right'; readonly account: Account }
  | { readonly kind: 'wrong'; readonly detail: string }
  | Barred
  | { readonly kind: 'unknown' }
  | { readonly kind: 'found'; readonly user: FoundUser }
  | { readonly kind: 'ready' }
  /** @see Doing.bindSent for `sent` */
  | { readonly kind: 'unavailable'; readonly cause: string; readonly sent: boolean }

/** Under the slot of what was begun: its password, or none where nobody waits for an answer any more. */
type Sequel = readonly ['password', password: string | undefined]

/** A question under the number of its slot, with the milliseconds that are left for it. */
export type Asked = readonly [slot: number, budgetMs: number, question: Question | Sequel]

export type Answered = readonly [slot: number, outcome: Outcome]

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What goes to a thread. */
export type ToThread = { readonly kind: 'ask'; readonly asked: readonly Asked[] } | { readonly kind: 'close' }

/** What comes from it; `ready` first. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answers'; readonly answers: readonly Answered[] }
  | { readonly kind: 'log'; readonly line: LogLine }

/** What a thread is started with. */
export interface ThreadStart {
  readonly settings: DirectorySettings
  readonly slots: SharedArrayBuffer
}
