import type { Locale } from './locale.ts'

/** A line of a list of users. Undefined leaves a value as it is; null removes it. Times are wall milliseconds. */
export interface ListedUser {
  /** Canonical. */
  readonly name: string
  readonly groups?: readonly string[]
  readonly mail?: string | null
  readonly ipv4?: string | null
  readonly ipv6?: string | null
  readonly expiresAt?: number | null
  readonly language?: Locale | null
  readonly enabled?: boolean
}

/** What keeps a list from being carried out: the cause and, behind a semicolon, the remedy. */
export interface ListFault {
  /** From 1. */
  readonly line: number
  readonly problem: string
}

export interface UserList {
  readonly entries: readonly (ListedUser & Pick<ListFault, 'line'>)[]
  readonly faults: readonly ListFault[]
}
