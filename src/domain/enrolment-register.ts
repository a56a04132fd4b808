import type { Enrolment } from './enrolment.ts'

/** An authenticator as people see it: everything but its seed. */
export interface RegisteredEnrolment extends Omit<Enrolment, 'sealedSeed' | 'lastStep'> {
  /** Whether a code of it was ever accepted. */
  readonly used: boolean
  readonly recoveryCodesLeft: number
}

/** Who has an authenticator. */
export interface EnrolmentRegister {
  /** In the order of subjects, after `after`. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly RegisteredEnrolment[]>
  find(subject: string): Promise<RegisteredEnrolment | undefined>
  /** Puts new recovery codes in the place of all old ones. @returns false where the subject has no authenticator. */
  renewRecoveryCodes(subject: string, hashes: readonly string[]): Promise<boolean>
}
