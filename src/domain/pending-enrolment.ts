import type { TotpShape } from './enrolment.ts'
import type { EphemeralStore } from './ephemeral-store.ts'

/** An authenticator that was shown and waits for its first code. Plain JSON. */
export interface PendingEnrolment {
  readonly subject: string
  /** Sealed for the subject, as in the records. */
  readonly sealedSeed: string
  readonly shape: TotpShape
  /** Wall milliseconds. */
  readonly until: number
  /** As `NewEnrolment.inPlaceOf`. */
  readonly inPlaceOf?: string | null
}

/** By unguessable identifiers. */
export type PendingEnrolments = EphemeralStore<PendingEnrolment>
