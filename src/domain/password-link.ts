import { createHash } from 'node:crypto'
import type { NewMail } from './mail.ts'
import type { Randomness } from './random.ts'
import { plainCode, readableCode } from './readable-code.ts'

/** Lets a local user choose a password; made by an administrator, valid once. Times are wall milliseconds. */
export interface PasswordLink {
  /** Canonical name. */
  readonly user: string
  /** Of the code, which is shown once and not stored. */
  readonly hash: string
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number
  /** Absent: not used so far. */
  readonly usedAt?: number
}

type PasswordLinkState = 'valid' | 'expired' | 'used'

export function passwordLinkStateOf({ expiresAt, usedAt }: PasswordLink, now: number): PasswordLinkState {
  if (usedAt !== undefined) return 'used'
  return now < expiresAt ? 'valid' : 'expired'
}

/**
 * A link that is not used ends with any other change of the user's password or groups, and when the user is disabled or
 * removed. Every method may throw `Unavailable`.
 */
export interface PasswordLinkStore {
  /**
   * Replaces an earlier one of the user, and mails of it that still wait.
   * @param mail by which the user gets it: both are kept, or neither. @returns false where no such user may log in.
   */
  put(link: PasswordLink, mail?: NewMail): Promise<boolean>
  find(hash: string): Promise<PasswordLink | undefined>
  ofUser(user: string): Promise<PasswordLink | undefined>
  /**
   * Spends the link and gives its user the password, both or neither: of several simultaneous callers one succeeds.
   * @returns false where the link is worth nothing, or its user may not log in.
   */
  redeem(hash: string, passwordHash: string, now: number): Promise<boolean>
}

const GROUPS = 5

/** `abcd-efgh-jkmn-pqrs-tuvw`: 99 bits, so a plain digest is safe to store. */
export function newPasswordLinkCode(random: Randomness): string {
  return readableCode(random, GROUPS)
}

/** Hex SHA-256, the same however the code was typed. */
export function passwordLinkHash(code: string): string {
  return createHash('sha256')
    .update(`ocbroker password link\0${plainCode(code)}`)
    .digest('hex')
}
