import { clueTo } from '../domain/code-clue.ts'
import {
  type Enrolment,
  type EnrolmentStore,
  newRecoveryCode,
  recoveryCodeHash,
  type TotpShape,
} from '../domain/enrolment.ts'
import { freeEnrolmentName } from '../domain/enrolment-name.ts'
import { CannotOpen, type KeyRing } from '../domain/key-ring.ts'
import type { EnrolmentAim, PendingEnrolment, PendingEnrolments } from '../domain/pending-enrolment.ts'
import { Secret } from '../domain/secret.ts'
import { matchTotp, newSeed, otpauthUri, seedAsBase32, type TotpWindow } from '../domain/totp.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'

export interface EnrollingOptions extends RecordAuditOptions {
  readonly enrolments: EnrolmentStore
  readonly pending: PendingEnrolments
  readonly keys: KeyRing
  /** Digits, period and algorithm of new authenticators. */
  readonly shape: TotpShape
  /** The name that the app shows beside the user's. */
  readonly issuer: string
  readonly totpWindow: TotpWindow
}

/** An authenticator that is still to be confirmed; it is shown only now. */
export interface BegunEnrolment {
  readonly id: string
  /** For the QR code, and as a link for the app on the same device. Holds the seed. */
  readonly uri: string
  /** The seed in base32, for typing. */
  readonly key: string
  readonly shape: TotpShape
  /** Wall milliseconds after which it must be started again. */
  readonly until: number
}

/** An authenticator that works from now on, with its recovery codes, which are shown only now. */
export interface ConfirmedEnrolment {
  readonly kind: 'confirmed'
  readonly enrolment: Enrolment
  readonly recoveryCodes: readonly string[]
}

/** `secondsAhead`: it would be right on a clock that is so many seconds ahead of the broker's; negative: behind. */
interface WrongFirstCode {
  readonly kind: 'wrong_code'
  readonly secondsAhead?: number
}

const RECOVERY_CODES = 10
const CONFIRM_WITHIN_MS = 15 * 60_000
const ID_OCTETS = 24

/** Enrols authenticators, revokes them and renews their recovery codes. */
export class Enrolling {
  readonly #options: EnrollingOptions

  constructor(options: EnrollingOptions) {
    this.#options = options
  }

  /**
   * Makes an authenticator. The user's present one goes on working until the new one is confirmed.
   * @param label the user's name as the app shows it; @param aim absent: it replaces all that there are when it is
   * confirmed; @param id of what the same visitor began before: this replaces it, so that repeated starts fill no storage;
   * @param seed of an authenticator that has one already; absent: a new one.
   */
  async begin(
    subject: string,
    label: string = subject,
    aim: EnrolmentAim = {},
    id: string = this.#options.random.bytes(ID_OCTETS).toString('base64url'),
    seed: Secret = newSeed(),
  ): Promise<BegunEnrolment> {
    const { pending, keys, shape, issuer, clock } = this.#options
    const until = clock.now() + CONFIRM_WITHIN_MS
    const sealedSeed = keys.seal(seed, subject)
    await pending.put(id, { ...aim, subject, sealedSeed, shape, until }, CONFIRM_WITHIN_MS)
    return { id, uri: otpauthUri(seed, shape, issuer, label), key: seedAsBase32(seed), shape, until }
  }

  /** For whom it was begun; undefined where its time is over. */
  async subjectOf(id: string): Promise<string | undefined> {
    return (await this.#options.pending.get(id))?.subject
  }

  /** Ends a begun enrolment. */
  async cancel(id: string): Promise<void> {
    await this.#options.pending.delete(id)
  }

  /** Shows a begun enrolment once more, as to a page that is reloaded; undefined where its time is over. */
  async show(id: string, subject: string, label: string = subject): Promise<BegunEnrolment | undefined> {
    const { pending, keys, issuer } = this.#options
    const found = await pending.get(id)
    if (found === undefined || found.subject !== subject) return undefined
    const seed = keys.open(found.sealedSeed, subject)
    const { shape, until } = found
    return { id, uri: otpauthUri(seed, shape, issuer, label), key: seedAsBase32(seed), shape, until }
  }

  /**
   * Puts the authenticator into service when it shows the present code. That spends the code.
   * @param subject whose it must be; absent: that for whom it was begun.
   * @returns `expired` also where the user's present authenticators are not those that it was begun for.
   */
  async confirm(
    id: string,
    code: string,
    context: AuditContext,
    subject?: string,
  ): Promise<ConfirmedEnrolment | WrongFirstCode | { readonly kind: 'expired' }> {
    const { pending, keys, totpWindow, clock } = this.#options
    const found = await pending.get(id)
    if (found === undefined || (subject !== undefined && found.subject !== subject))
      return { kind: 'expired' }
    const seed = keys.open(found.sealedSeed, found.subject)
    const now = clock.now()
    const fresh = { ...found.shape, lastStep: -1, driftMs: 0 }
    const typed = code.replaceAll(/\s/g, '')
    const answer = matchTotp(seed, fresh, typed, now, totpWindow)
    if (answer.kind !== 'right')
      return { kind: 'wrong_code', secondsAhead: clueTo(typed, seed, fresh, now)?.aheadSeconds }
    // Of two that confirm at the same time, one makes the recovery codes.
    if ((await pending.take(id)) === undefined) return { kind: 'expired' }
    return this.#putIntoService(found, answer, context)
  }

  /** Sealed, so that they can be shown until their user has saved them. */
  sealCodes(subject: string, codes: readonly string[]): string {
    return this.#options.keys.seal(new Secret(codes.join(' ')), codesOf(subject))
  }

  /** @returns undefined where the keys have changed meanwhile. */
  openCodes(subject: string, sealed: string): readonly string[] | undefined {
    try {
      return this.#options.keys.open(sealed, codesOf(subject)).bytes().toString().split(' ')
    } catch (error) {
      if (error instanceof CannotOpen) return undefined
      throw error
    }
  }

  /** All authenticators of the subject, or the one of this identifier. @returns false where there is none. */
  async revoke(subject: string, context: AuditContext, id?: string): Promise<boolean> {
    const { enrolments } = this.#options
    const name = id && (await enrolments.registeredOf(subject)).find((each) => each.id === id)?.name
    const revoked = await enrolments.revoke(subject, id)
    if (revoked)
      await recordAudit(context, { kind: 'enrolment.revoked', user: subject, detail: name }, this.#options)
    return revoked
  }

  /**
   * Renames an authenticator; a number makes the name unlike those of the user's others.
   * @returns false where the subject has no such authenticator.
   */
  async rename(subject: string, id: string, wanted: string): Promise<boolean> {
    const { enrolments } = this.#options
    const others = (await enrolments.ofSubject(subject)).filter((each) => each.id !== id)
    const name = freeEnrolmentName(
      wanted,
      others.map((each) => each.name),
    )
    return enrolments.rename(subject, id, name)
  }

  /** @returns recovery codes that replace all old ones, shown only now; undefined where there is no authenticator. */
  async renewRecoveryCodes(subject: string, context: AuditContext): Promise<readonly string[] | undefined> {
    const codes = this.#newRecoveryCodes()
    const hashes = codes.map((code) => recoveryCodeHash(subject, code))
    if (!(await this.#options.enrolments.renewRecoveryCodes(subject, hashes))) return undefined
    await recordAudit(context, { kind: 'recovery_codes.made', user: subject }, this.#options)
    return codes
  }

  #newRecoveryCodes(): string[] {
    return Array.from({ length: RECOVERY_CODES }, () => newRecoveryCode(this.#options.random))
  }

  async #putIntoService(
    { subject, sealedSeed, shape, name: wanted, adds, inPlaceOf, beside }: PendingEnrolment,
    { step: lastStep, driftMs }: { readonly step: number; readonly driftMs: number },
    context: AuditContext,
  ): Promise<ConfirmedEnrolment | { readonly kind: 'expired' }> {
    const { enrolments, clock, random } = this.#options
    const present = await enrolments.ofSubject(subject)
    const taken = adds === true ? present.map((each) => each.name) : []
    const name = wanted === undefined ? undefined : freeEnrolmentName(wanted, taken)
    const now = clock.now()
    const enrolment = {
      id: random.id(),
      subject,
      name,
      sealedSeed,
      lastStep,
      driftMs,
      createdAt: now,
      usedAt: now,
      ...shape,
    }
    // Those that the user has stay beside another authenticator.
    const recoveryCodes = adds === true && present.length > 0 ? [] : this.#newRecoveryCodes()
    const recoveryHashes = recoveryCodes.map((code) => recoveryCodeHash(subject, code))
    const isMade = adds
      ? (await enrolments.add({ enrolment, recoveryHashes, beside })) === 'added'
      : await enrolments.replace({ enrolment, recoveryHashes, inPlaceOf })
    if (!isMade) return { kind: 'expired' }
    await recordAudit(context, { kind: 'enrolment.made', user: subject, detail: name }, this.#options)
    return { kind: 'confirmed', enrolment, recoveryCodes }
  }
}

/** Whom sealed recovery codes belong to: what seals a seed of the same user does not open as codes. */
function codesOf(subject: string): string {
  return `recovery codes of ${subject}`
}
