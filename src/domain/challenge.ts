import type { Person } from './person.ts'

/** A login whose first factor is done and which waits for a code. */
export interface PendingChallenge {
  /** Who must answer: all three must be the same again (RFC 2865 §5.24 leaves this to the server). */
  readonly user: string
  readonly gateway: string
  readonly address?: string
  readonly person: Person
  /** Wrong codes so far in this login. */
  readonly wrongCodes: number
}

/** Challenges by their State: unguessable, each answered at most once, each with an end. */
export interface ChallengeStore {
  /** @param ttlMs milliseconds until it can no longer be answered. @throws Unavailable */
  put(state: string, challenge: PendingChallenge, ttlMs: number): Promise<void>
  /** Takes it out: of any number of simultaneous takers one gets it. @throws Unavailable */
  take(state: string): Promise<PendingChallenge | undefined>
}
