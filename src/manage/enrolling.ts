import {
  type Enrolment,
  type EnrolmentStore,
  newRecoveryCode,
  recoveryCodeHash,
  type TotpShape,
} from '../domain/enrolment.ts'
import type { EnrolmentRegister } from '../domain/enrolment-register.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import { stemOf } from '../domain/login-name.ts'
import type { PendingEnrolment, PendingEnrolments } from '../domain/pending-enrolment.ts'
import { matchTotp, newSeed, otpauthUri, seedAsBase32 } from '../domain/totp.ts'
import { type Deed, type WitnessOptions, witness } from './deed.ts'

export interface EnrollingOptions extends WitnessOptions {
  readonly enrolments: EnrolmentStore
  readonly register: EnrolmentRegister
  readonly pending: PendingEnrolments
  readonly keys: KeyRing
  /** What new authenticators get. */
  readonly shape: TotpShape
  /** The name that the app shows beside the user's. */
  readonly issuer: string
  /** Time steps to either side of now whose codes are taken. */
  readonly window: number
}

/** An authenticator that is shown this once. */
export interface BegunEnrolment {
  readonly id: string
  /** For the QR code, and as a link for the app on this very device. Holds the seed. */
  readonly uri: string
  /** The seed in base32, to be typed. */
  readonly key: string
  readonly shape: TotpShape
  /** Wall milliseconds after which it has to be begun anew. */
  readonly until: number
}

/** An authenticator that works from now on, with the recovery codes that are shown this once. */
export interface ConfirmedEnrolment {
  readonly kind: 'confirmed'
  readonly enrolment: Enrolment
  readonly recoveryCodes: readonly string[]
}

const RECOVERY_CODES = 10
const CONFIRM_WITHIN_MS = 15 * 60_000
const ID_OCTETS = 24

/** Authenticators from their first sight to their end. */
export class Enrolling {
  readonly #options: EnrollingOptions

  constructor(options: EnrollingOptions) {
    this.#options = options
  }

  /**
   * Makes an authenticator; the user's present one goes on working until the new one is confirmed.
   * @param subject whose; @param label the user's name as the app shall show it; @param inPlaceOf the identifier of the
   * one authenticator whose place it may take, null: of none; absent: of whichever there is when it is confirmed;
   * @param id of what the same visitor began before, which ends with this: whoever begins without end fills nothing.
   */
  async begin(
    subject: string,
    label: string = subject,
    inPlaceOf?: string | null,
    id: string = this.#options.random.bytes(ID_OCTETS).toString('base64url'),
  ): Promise<BegunEnrolment> {
    const { pending, keys, shape, issuer, clock } = this.#options
    const seed = newSeed()
    const until = clock.now() + CONFIRM_WITHIN_MS
    const sealedSeed = keys.seal(seed, subject)
    await pending.put(id, { subject, sealedSeed, shape, until, inPlaceOf }, CONFIRM_WITHIN_MS)
    const uri = otpauthUri(seed, shape, issuer, label)
    return { id, uri, key: seedAsBase32(seed), shape, until }
  }

  /** Ends what was begun under the identifier. */
  async cancel(id: string): Promise<void> {
    await this.#options.pending.delete(id)
  }

  /** What was begun under the identifier, shown again as to a page that is loaded anew; undefined where its time is over. */
  async begun(id: string, subject: string, label: string = subject): Promise<BegunEnrolment | undefined> {
    const { pending, keys, issuer } = this.#options
    const found = await pending.get(id)
    if (found === undefined || found.subject !== subject) return undefined
    const seed = keys.open(found.sealedSeed, subject)
    const { shape, until } = found
    return { id, uri: otpauthUri(seed, shape, issuer, label), key: seedAsBase32(seed), shape, until }
  }

  /**
   * Takes the authenticator into service when it shows the present code, in the place of any other; that code is spent
   * by this.
   * @param subject whose it must be; absent: whoever it was begun for.
   * @returns `expired` too where the user's present authenticator is not the one whose place it may take.
   */
  async confirm(
    id: string,
    code: string,
    deed: Deed,
    subject?: string,
  ): Promise<ConfirmedEnrolment | { readonly kind: 'wrong_code' | 'expired' }> {
    const { pending, keys, window, clock } = this.#options
    const found = await pending.get(id)
    if (found === undefined || (subject !== undefined && found.subject !== subject))
      return { kind: 'expired' }
    const seed = keys.open(found.sealedSeed, found.subject)
    const answer = matchTotp(seed, found.shape, code.replaceAll(/\s/g, ''), clock.now(), window, -1)
    if (answer.kind !== 'right') return { kind: 'wrong_code' }
    // Of two that confirm at once, one makes the recovery codes.
    if ((await pending.take(id)) === undefined) return { kind: 'expired' }
    return this.#takeIntoService(found, answer.step, deed)
  }

  /** @returns false where the subject has no authenticator. */
  async revoke(subject: string, deed: Deed): Promise<boolean> {
    const revoked = await this.#options.enrolments.revoke(subject)
    if (revoked) await witness(deed, { kind: 'enrolment.revoked', user: stemOf(subject) }, this.#options)
    return revoked
  }

  /** @returns recovery codes, shown this once, in the place of all old ones; undefined where there is no authenticator. */
  async renewRecoveryCodes(subject: string, deed: Deed): Promise<readonly string[] | undefined> {
    const codes = this.#newRecoveryCodes()
    const hashes = codes.map((code) => recoveryCodeHash(subject, code))
    if (!(await this.#options.register.renewRecoveryCodes(subject, hashes))) return undefined
    await witness(deed, { kind: 'recovery_codes.made', user: stemOf(subject) }, this.#options)
    return codes
  }

  #newRecoveryCodes(): string[] {
    return Array.from({ length: RECOVERY_CODES }, () => newRecoveryCode(this.#options.random))
  }

  async #takeIntoService(
    { subject, sealedSeed, shape, inPlaceOf }: PendingEnrolment,
    lastStep: number,
    deed: Deed,
  ): Promise<ConfirmedEnrolment | { readonly kind: 'expired' }> {
    const { enrolments, clock, random } = this.#options
    const recoveryCodes = this.#newRecoveryCodes()
    const enrolment = { id: random.id(), subject, sealedSeed, lastStep, createdAt: clock.now(), ...shape }
    const recoveryHashes = recoveryCodes.map((code) => recoveryCodeHash(subject, code))
    if (!(await enrolments.replace({ enrolment, recoveryHashes, inPlaceOf }))) return { kind: 'expired' }
    await witness(deed, { kind: 'enrolment.made', user: stemOf(subject) }, this.#options)
    return { kind: 'confirmed', enrolment, recoveryCodes }
  }
}
