import type { TotpShape } from './enrolment.ts'
import type { PassingStore } from './passing-store.ts'

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

/** By identifiers that nobody guesses. */
export type PendingEnrolments = PassingStore<PendingEnrolment>
