import { createHash } from 'node:crypto'
import type { Randomness } from './random.ts'
import { plainCode, READABLE, readableCode } from './readable-code.ts'

export type TotpAlgorithm = 'sha1' | 'sha256' | 'sha512'

/** The shape of a time-based code (RFC 6238). */
export interface TotpShape {
  readonly digits: number
  /** Seconds. */
  readonly period: number
  readonly algorithm: TotpAlgorithm
}

/** A user's authenticator. The seed is stored sealed; only the key ring opens it. */
export interface Enrolment extends TotpShape {
  readonly id: string
  /** What the codes follow: the time (RFC 6238), where nothing is given, or a counter (RFC 4226), to which `period` means nothing. */
  readonly kind?: 'totp' | 'hotp'
  /** Whose it is: `Person.subject`. */
  readonly subject: string
  readonly sealedSeed: string
  /** The last time step, or counter, that a code was accepted for (RFC 6238 §5.2: each at most once); -1 before the first. */
  readonly lastStep: number
  readonly createdAt: number
}

export interface NewEnrolment {
  readonly enrolment: Enrolment
  readonly recoveryHashes: readonly string[]
  /** The identifier of the one authenticator whose place it may take, null: of none. Absent: of whichever there is. */
  readonly inPlaceOf?: string | null
}

/** At most one authenticator for each subject; a new one replaces the old one and its recovery codes. */
export interface EnrolmentStore {
  find(subject: string): Promise<Enrolment | undefined>
  /** @returns false, with nothing changed, where another authenticator is there than the one whose place it may take. */
  replace(fresh: NewEnrolment): Promise<boolean>
  /** @returns false where the subject had none. */
  revoke(subject: string): Promise<boolean>
  /** How many recovery codes the subject has left. */
  recoveryCodesLeft(subject: string): Promise<number>
  /** The names of the keys that sealed the seeds which are kept. */
  keysInUse(): Promise<readonly string[]>
}

const GROUPS = 4
const GROUP_LENGTH = 4
const GROUP = `[${READABLE}]{${GROUP_LENGTH}}`
const RECOVERY_CODE = new RegExp(`^(?:${GROUP}-?){${GROUPS - 1}}${GROUP}$`, 'i')
const APPENDED_RECOVERY_CODE = new RegExp(`^(.*?)((?:${GROUP}-){${GROUPS - 1}}${GROUP})$`, 'is')

/** A code for the day the phone is lost: `abcd-efgh-jkmn-pqrs`, 79 bits, so a plain digest is enough to store. */
export function newRecoveryCode(random: Randomness): string {
  return readableCode(random, GROUPS)
}

/** Whether the text has the form of a recovery code, with or without its hyphens. */
export function isRecoveryCode(typed: string): boolean {
  return RECOVERY_CODE.test(typed)
}

/**
 * Splits `passwordabcd-efgh-jkmn-pqrs`. The hyphens are required here: they keep a password that happens to end
 * in sixteen such signs, or one with a numeric code behind it, from being taken for a recovery code.
 */
export function splitRecoveryCode(typed: string): { rest: string; code: string } | undefined {
  const match = APPENDED_RECOVERY_CODE.exec(typed)
  return match?.[2] === undefined ? undefined : { rest: match[1] ?? '', code: match[2] }
}

/** The stored form of a recovery code, bound to its owner: hex SHA-256, the same however the code was typed. */
export function recoveryCodeHash(subject: string, code: string): string {
  return createHash('sha256')
    .update(`ocbroker recovery code\0${subject}\0${plainCode(code)}`)
    .digest('hex')
}
