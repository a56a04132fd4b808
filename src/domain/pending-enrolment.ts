import type { AddedEnrolment, NewEnrolment, TotpShape } from './enrolment.ts'
import type { EphemeralStore } from './ephemeral-store.ts'

/** What a new authenticator may take the place of, or that it stands beside those that there are. */
export interface EnrolmentAim extends Pick<NewEnrolment, 'inPlaceOf'>, Pick<AddedEnrolment, 'beside'> {
  readonly adds?: boolean
  /** In the user's words. */
  readonly name?: string
}

/** An authenticator that was shown and waits for its first code. Plain JSON. */
export interface PendingEnrolment extends EnrolmentAim {
  readonly subject: string
  /** Sealed for the subject, as in the records. */
  readonly sealedSeed: string
  readonly shape: TotpShape
  /** Wall milliseconds. */
  readonly until: number
}

/** By unguessable identifiers. */
export type PendingEnrolments = EphemeralStore<PendingEnrolment>
