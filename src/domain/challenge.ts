import type { Person } from './person.ts'

/** Who must answer: all three must be the same again (RFC 2865 §5.24 leaves this to the server). */
interface Asked {
  readonly user: string
  readonly gateway: string
  readonly address?: string
  /** The attempt that counts in the user's rate for the prompt, until it is answered; absent where it was a failed guess. */
  readonly prompted?: string
}

/** A login whose first factor is done and which waits for a code. */
export interface AwaitedCode extends Asked {
  readonly person: Person
  /** Wrong codes so far in this login. */
  readonly wrongCodes: number
  /** Identifier of the authenticator whose code was asked for; null where one was still to be enrolled. */
  readonly enrolment: string | null
  /** The key of the enrolment code that the prompt shows, which ends with the prompt. */
  readonly enrolmentCode?: string
  readonly upstream?: undefined
}

/** A login in the midst of its first factor: the answer is for the identity store that asked. */
export interface AwaitedAnswer extends Asked {
  readonly upstream: {
    /** The identity store's name. */
    readonly store: string
    /** The store's own state, to be given back to it. */
    readonly state: string
    /** How often it has asked in this login. */
    readonly rounds: number
  }
}

export type PendingChallenge = AwaitedCode | AwaitedAnswer

/** Challenges by their State: unguessable, each answered at most once, each with an end. */
export interface ChallengeStore {
  /** @param ttlMs milliseconds until it can no longer be answered. @throws Unavailable */
  put(state: string, challenge: PendingChallenge, ttlMs: number): Promise<void>
  /** Takes it out: of any number of simultaneous takers one gets it. @throws Unavailable */
  take(state: string): Promise<PendingChallenge | undefined>
}
