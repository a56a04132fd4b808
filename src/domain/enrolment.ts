import { createHash, createHmac } from 'node:crypto'
import type { Randomness } from './random.ts'
import { plainCode, READABLE, readableCode } from './readable-code.ts'
import type { Secret } from './secret.ts'

export type TotpAlgorithm = 'sha1' | 'sha256' | 'sha512'

/** Parameters of a time-based code (RFC 6238). */
export interface TotpShape {
  readonly digits: number
  /** Seconds. */
  readonly period: number
  readonly algorithm: TotpAlgorithm
}

/** A user's authenticator. The seed is stored sealed; only the key ring opens it. */
export interface Enrolment extends TotpShape {
  readonly id: string
  /** Codes by time (RFC 6238, the default) or by counter (RFC 4226), for which `period` has no meaning. */
  readonly kind?: 'totp' | 'hotp'
  /** The owner: `Person.subject`. */
  readonly subject: string
  readonly sealedSeed: string
  /** Time step or counter of the last accepted code (RFC 6238 §5.2: each at most once); -1 before the first. */
  readonly lastStep: number
  /** How far the token's clock is ahead of the broker's, in milliseconds, as the accepted codes show it (RFC 6238 §6). */
  readonly driftMs: number
  readonly createdAt: number
}

export interface NewEnrolment {
  readonly enrolment: Enrolment
  readonly recoveryHashes: readonly string[]
  /** The only authenticator that it may replace, by identifier; null: none. Absent: any. */
  readonly inPlaceOf?: string | null
}

/** An authenticator without its seed, as people may see it. */
export interface RegisteredEnrolment extends Omit<Enrolment, 'sealedSeed' | 'lastStep'> {
  /** Whether a code of it was ever accepted. */
  readonly used: boolean
  readonly recoveryCodesLeft: number
}

/** At most one authenticator for each subject; a new one replaces the old one and its recovery codes. */
export interface EnrolmentStore {
  find(subject: string): Promise<Enrolment | undefined>
  /** @returns false, with nothing changed, if there is an authenticator that it may not replace. */
  replace(fresh: NewEnrolment): Promise<boolean>
  /** @returns false if the subject had none. */
  revoke(subject: string): Promise<boolean>
  /** How many recovery codes the subject has left. */
  recoveryCodesLeft(subject: string): Promise<number>
  findRegistered(subject: string): Promise<RegisteredEnrolment | undefined>
  /** In the order of subjects, after `after`. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly RegisteredEnrolment[]>
  /** Replaces all recovery codes. @returns false if the subject has no authenticator. */
  renewRecoveryCodes(subject: string, hashes: readonly string[]): Promise<boolean>
  /** Names of the keys that sealed the stored seeds. */
  keysInUse(): Promise<readonly string[]>
}

const GROUPS = 4
const GROUP_LENGTH = 4
const GROUP = `[${READABLE}]{${GROUP_LENGTH}}`
const RECOVERY_CODE = new RegExp(`^(?:${GROUP}-?){${GROUPS - 1}}${GROUP}$`, 'i')
const APPENDED_RECOVERY_CODE = new RegExp(`^(.*?)((?:${GROUP}-){${GROUPS - 1}}${GROUP})$`, 'is')

/** A code for users who lost their phone: `abcd-efgh-jkmn-pqrs`. It has 79 bits, so a plain digest is safe to store. */
export function newRecoveryCode(random: Randomness): string {
  return readableCode(random, GROUPS)
}

/** Whether the text has the form of a recovery code, with or without its hyphens. */
export function isRecoveryCode(typed: string): boolean {
  return RECOVERY_CODE.test(typed)
}

/**
 * Splits `passwordabcd-efgh-jkmn-pqrs`. The hyphens are required: without them, a password that ends in sixteen such
 * characters, or is followed by a numeric code, could be mistaken for one with a recovery code.
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

const SCRATCH_CODE_DIGITS = 8
const SCRATCH_CODE = /^\d{4}[- ]?\d{4}$/

/**
 * Whether the text has the form of a scratch code, which other programs made and an import took over: eight digits. An
 * authenticator whose own codes have eight digits has none.
 */
export function isScratchCode(typed: string, { digits }: Pick<TotpShape, 'digits'>): boolean {
  return digits !== SCRATCH_CODE_DIGITS && SCRATCH_CODE.test(typed)
}

/**
 * The stored form of a scratch code, in place of `recoveryCodeHash`: hex HMAC-SHA-256 with the seed as its key. On a
 * plain digest all codes of eight digits could be tried out by someone who reads the records without the key file.
 */
export function scratchCodeHash(seed: Secret, subject: string, code: string): string {
  return createHmac('sha256', seed.bytes())
    .update(`ocbroker scratch code\0${subject}\0${plainCode(code)}`)
    .digest('hex')
}
