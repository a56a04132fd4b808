import { createHash } from 'node:crypto'
import type { NewMail } from './mail.ts'
import type { Randomness } from './random.ts'
import { plainCode, readableCode } from './readable-code.ts'

/** Lets a user enrol an authenticator without signing in; made by an administrator, valid once. Wall milliseconds. */
export interface Invitation {
  readonly id: string
  /** The user: `Person.subject`. */
  readonly subject: string
  /** Of the code, which is shown once and not stored. */
  readonly hash: string
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number
  /** Absent: not used so far. */
  readonly usedAt?: number
}

export type InvitationEnd = 'expired' | 'used'

/** Every method may throw `Unavailable`. */
export interface InvitationStore {
  /**
   * Replaces an earlier one of the subject, and mails of it that still wait.
   * @param mail by which the user gets it: both are kept, or neither.
   */
  put(invitation: Invitation, mail?: NewMail): Promise<void>
  /** Spends it, and keeps that it was used: of several simultaneous callers one gets it. */
  redeem(hash: string, subjects: readonly string[], now: number): Promise<Invitation | undefined>
  /** Why an invitation is worth nothing any more, to one who has its code; undefined where there is none of it. */
  endOf(hash: string, subjects: readonly string[]): Promise<InvitationEnd | undefined>
  /** Takes away the subject's invitation, if there is one. */
  revoke(subject: string): Promise<void>
}

const GROUPS = 4

/** `abcd-efgh-jkmn-pqrs`: 79 bits, so a plain digest is safe to store. */
export function newInvitationCode(random: Randomness): string {
  return readableCode(random, GROUPS)
}

/** Hex SHA-256, the same however the code was typed. */
export function invitationHash(code: string): string {
  return createHash('sha256')
    .update(`ocbroker invitation\0${plainCode(code)}`)
    .digest('hex')
}
