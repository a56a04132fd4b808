import type { Lockout } from './lockout.ts'

/** An account of an identity provider that locks accounts by itself after some wrong passwords. */
export interface DirectoryAccount {
  /** The identity provider, as `Person.source`. */
  readonly source: string
  /** `Person.subject`: the same for every name of the user. */
  readonly subject: string
}

/**
 * `directory`: the wrong passwords that addresses not known may try are used up; the last ones are kept for known
 * addresses. `directory_full`: one more would lock the account in the directory, so nobody's password is sent there.
 */
export type DirectoryCause = 'directory' | 'directory_full'

export interface DirectoryQuery extends DirectoryAccount {
  readonly address?: string
  /** Wall milliseconds. */
  readonly now: number
  /** Releases since then are asked for, in wall milliseconds. */
  readonly since: number
}

export interface DirectoryView {
  /** Those of the account that are in force. */
  readonly locks: readonly Lockout[]
  /** Whether the user was let in from this address within `ADDRESS_KNOWN_MS`, by whatever name. */
  readonly knownAddress: boolean
  /** The last release of one of its lockouts: what was counted before counts no more. */
  readonly releasedAt?: number
}

export interface DirectoryLock extends DirectoryAccount {
  readonly cause: DirectoryCause
  /** The user's canonical name, without realm. */
  readonly user: string
  /** Of the login that brought it about. */
  readonly address?: string
  readonly gateway: string
  readonly reason: string
  /** Wall milliseconds. */
  readonly since: number
  readonly until: number
}
