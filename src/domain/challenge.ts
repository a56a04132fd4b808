import type { Person } from './person.ts'

/** Who must answer: user, gateway and address must be the same again (RFC 2865 §5.24 leaves this to the server). */
interface Asked {
  readonly user: string
  readonly gateway: string
  readonly address?: string
  /** The canonical username of the account, where it is not `user`: the attempt counts for it. */
  readonly countsFor?: string
  /** The attempt that counts for the prompt at its user and address until the answer; absent after a failed guess. */
  readonly prompted?: string
}

/** The code that was typed last is of this time step, outside the window: the one after it sets the token's drift. */
export interface OutsideCode {
  /** The authenticator, by identifier. */
  readonly enrolment: string
  readonly step: number
}

/** An approval with a passkey that a prompt waits for. */
export interface AwaitedApproval {
  /** `ApprovalRequest.id`. */
  readonly id: string
  /** What the prompt shows. */
  readonly number: number
  /** Answers to the prompt, so far, that came before the approval. */
  readonly early: number
}

/** A login that has passed its first factor and waits for a code, or for an approval. */
export interface AwaitedCode extends Asked {
  readonly person: Person
  /** Wrong codes so far in this login. */
  readonly wrongCodes: number
  /** The authenticators a code of which was asked for, by identifier; none while one is being enrolled. */
  readonly enrolments: readonly string[]
  readonly outside?: OutsideCode
  /** Whether the prompt said that the user may go on without a code. */
  readonly offersGrace?: boolean
  /** A hash of the password that was right, where the code may make a trust (`Trust.sealedPasswordHash`). */
  readonly sealedPasswordHash?: string
  /** The key of the enrolment code that the prompt shows; it expires with the prompt. */
  readonly enrolmentCode?: string
  /** The approval that the prompt asks for; the user may type a code instead where `enrolments` has one. */
  readonly approval?: AwaitedApproval
  readonly upstream?: undefined
}

/** A login whose identity store asked a question; the answer goes to that store. */
interface AwaitedAnswer extends Asked {
  readonly upstream: {
    /** The identity store's name. */
    readonly store: string
    /** The store's own state, to be returned to it. */
    readonly state: string
    /** Questions so far in this login. */
    readonly rounds: number
  }
}

export type PendingChallenge = AwaitedCode | AwaitedAnswer

/** Challenges by their State: unguessable, answered at most once, with an expiry. */
export interface ChallengeStore {
  /** @param ttlMs milliseconds until it can no longer be answered. @throws Unavailable */
  put(state: string, challenge: PendingChallenge, ttlMs: number): Promise<void>
  /** Gets and deletes it: of several simultaneous callers one gets it. @throws Unavailable */
  take(state: string): Promise<PendingChallenge | undefined>
}
