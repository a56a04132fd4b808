/**
 * A network from which a user is let in by password alone for some time, because a full login with a code came from there.
 * It holds only as long as what that login was made with: the same authenticator and password, and no lockout since.
 */
export interface Trust {
  readonly id: string
  /** `Person.subject` and `Person.source` of the login. */
  readonly subject: string
  readonly source: string
  /** The `customerNetwork` of the user's address. */
  readonly network: string
  /** The authenticator whose code was right, by identifier. */
  readonly enrolment: string
  /** `Account.record` of the login: another password is another record. */
  readonly record?: string
  /**
   * A hash of the password, where another identity store has it and the broker has no record of its changes. Sealed as seeds
   * are: one who reads the records must not be able to guess passwords of a directory.
   */
  readonly sealedPasswordHash?: string
  /** Where the login was. */
  readonly gateway: string
  /** Wall milliseconds. */
  readonly madeAt: number
  readonly expiresAt: number
  /** Of the last login that it let in; absent before the first. */
  readonly usedAt?: number
  readonly uses: number
}

/** Where a login comes from. */
export interface TrustQuery extends Pick<Trust, 'subject' | 'source' | 'network'> {
  /** Wall milliseconds. */
  readonly now: number
}

export interface TrustSearch {
  /** Only of users who are in one of these groups, as far as the records know; absent: of all. */
  readonly over?: readonly string[]
  /** A username, for all subjects that have it; or a subject with its realm. */
  readonly user?: string
  readonly now: number
  /** Identifier of the last one of the page before. */
  readonly after?: string
  readonly limit: number
}

/** What of a trust people may see. */
export type ShownTrust = Omit<Trust, 'enrolment' | 'record' | 'sealedPasswordHash'>

export interface TrustStore {
  /** Those in force, the newest first. */
  list(search: TrustSearch): Promise<readonly ShownTrust[]>
  /** @returns what was revoked; undefined where there is no such trust. */
  revoke(id: string): Promise<ShownTrust | undefined>
  /** Revokes all of a username, or of a subject. @returns how many there were. */
  revokeAllOf(user: string): Promise<number>
}
