import { createHash, createHmac } from 'node:crypto'
import type { AuditEvent } from './audit.ts'
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

/** How many authenticators a user may have: each more makes a guess more likely to be right. */
export const MAX_ENROLMENTS = 5

/** One of a user's authenticators. The seed is stored sealed; only the key ring opens it. */
export interface Enrolment extends TotpShape {
  readonly id: string
  /** The user's word for it; absent: it was never named. */
  readonly name?: string
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
  /** When a code of it was accepted last, in wall milliseconds; absent where that was before this was noted. */
  readonly usedAt?: number
}

/** The hashes of what works once in place of a code. */
export interface NewRecoveryCodes {
  readonly recoveryHashes: readonly string[]
  /** Of scratch codes, which the seed of their authenticator keys: they go with it. */
  readonly scratchHashes?: readonly string[]
}

export interface NewEnrolment extends NewRecoveryCodes {
  readonly enrolment: Enrolment
  /**
   * The only authenticator that it replaces, by identifier; of several: all of the subject's, which must be among these.
   * Null: none. Absent: all that there are.
   */
  readonly inPlaceOf?: string | readonly string[] | null
}

/** An authenticator beside those of the subject, whose recovery codes stay; the first one comes with its own. */
export interface AddedEnrolment extends NewRecoveryCodes {
  readonly enrolment: Enrolment
  /** An authenticator that must still be there, by identifier: a code of it has allowed this. Absent: none. */
  readonly beside?: string
}

/** Authenticators of other programs. All are taken over, or none. */
export interface EnrolmentTakeOver {
  /** At most `MAX_ENROLMENTS` of a subject. The scratch codes go with their authenticator. */
  readonly enrolments: readonly { readonly enrolment: Enrolment; readonly scratchHashes: readonly string[] }[]
  /** Whether those that the subjects have are replaced, with their recovery codes; otherwise a subject has none. */
  readonly replace: boolean
  readonly events: readonly AuditEvent[]
}

/** An authenticator without its seed, as people may see it. */
export interface RegisteredEnrolment extends Omit<Enrolment, 'sealedSeed' | 'lastStep'> {
  /** Whether a code of it was ever accepted. */
  readonly used: boolean
  /** How many recovery codes the subject has left, which all its authenticators share. */
  readonly recoveryCodesLeft: number
}

/** The place of an authenticator in the list of all, as a line. */
export function placeOfEnrolment({ subject, id }: Pick<Enrolment, 'subject' | 'id'>): string {
  return `${id} ${subject}`
}

/** The authenticators of each subject, and its recovery codes, which go with the last of them. */
export interface EnrolmentStore {
  ofSubject(subject: string): Promise<readonly Enrolment[]>
  /** Renews the recovery codes too. @returns false, with nothing changed, if it may not replace what there is. */
  replace(fresh: NewEnrolment): Promise<boolean>
  /** @returns why nothing has changed: `full` at `MAX_ENROLMENTS`, `gone` without the one that must be there. */
  add(added: AddedEnrolment): Promise<'added' | 'full' | 'gone'>
  /** @returns `overtaken`, with nothing changed, where a subject has an authenticator that is not to be replaced. */
  takeOver(imported: EnrolmentTakeOver): Promise<'done' | 'overtaken'>
  /** @param name undefined: none. @returns false if the subject has no such authenticator. */
  rename(subject: string, id: string, name: string | undefined): Promise<boolean>
  /** All of them, or the one of this identifier. @returns false if there was none. */
  revoke(subject: string, id?: string): Promise<boolean>
  /** How many recovery codes the subject has left. */
  recoveryCodesLeft(subject: string): Promise<number>
  /** The oldest first. */
  registeredOf(subject: string): Promise<readonly RegisteredEnrolment[]>
  /** In the order of subjects. @param after as `placeOfEnrolment`. */
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
