import type { LockoutCause, LockoutScope } from './lockout.ts'
import type { SessionState } from './session.ts'

/** How many lockouts and sessions there are at one moment, for the metrics. */
export interface Census {
  /** Those in force. */
  readonly lockouts: readonly {
    readonly scope: LockoutScope
    readonly cause: LockoutCause
    readonly count: number
  }[]
  /** Those that have not ended. */
  readonly sessions: readonly {
    readonly gateway: string
    readonly state: Exclude<SessionState, 'ended'>
    readonly count: number
  }[]
}

export interface CensusTaker {
  /** Counts of each kind no more than `MAX_COUNTED`. @param now wall milliseconds. */
  take(now: number): Promise<Census>
}

/** So that a count takes milliseconds whatever the records hold. */
export const MAX_COUNTED = 100_000
