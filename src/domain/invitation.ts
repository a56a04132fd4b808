import { createHash } from 'node:crypto'
import type { Randomness } from './random.ts'
import { plainCode, readableCode } from './readable-code.ts'

/** Leave to enrol an authenticator in place of signing in, given by an administrator; good once. Wall milliseconds. */
export interface Invitation {
  readonly id: string
  /** Whose authenticator: `Person.subject`. */
  readonly subject: string
  /** Of the code, which is shown once and never stored. */
  readonly hash: string
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number
}

/** Every method may throw `Unavailable`. */
export interface InvitationStore {
  /** Puts it in the place of any earlier one of the subject. */
  put(invitation: Invitation): Promise<void>
  /** Spends it: of any number of simultaneous callers one gets it. */
  redeem(hash: string, subjects: readonly string[], now: number): Promise<Invitation | undefined>
}

const GROUPS = 4

/** `abcd-efgh-jkmn-pqrs`: 79 bits, so a plain digest is enough to store. */
export function newInvitationCode(random: Randomness): string {
  return readableCode(random, GROUPS)
}

/** Hex SHA-256, the same however the code was typed. */
export function invitationHash(code: string): string {
  return createHash('sha256')
    .update(`ocbroker invitation\0${plainCode(code)}`)
    .digest('hex')
}
