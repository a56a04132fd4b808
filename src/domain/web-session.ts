import { stemOf } from './login-name.ts'

/** How far a visitor has come. Each step up gets a new session identifier. */
type WebStage =
  /** The first factor was right; a code is awaited under `state`. */
  | 'code'
  /** The first factor was right, or an invitation was shown, and there is no authenticator yet. */
  | 'enrol'
  /** Signed in. */
  | 'in'

/** What a signed-in browser stands for. Plain JSON; the cookie's value is not in it. Times are wall milliseconds. */
export interface WebSession {
  readonly stage: WebStage
  /** The stem that was typed: the key of limits and lockouts. */
  readonly user: string
  /** The name as it was typed, to be shown and to be sent along with the code. */
  readonly typed: string
  /** Under which authenticators and records are kept; absent while an identity store still asks. */
  readonly subject?: string
  readonly groups: readonly string[]
  /** Proofs that this session rests on: two are needed for everything that manages others. */
  readonly factors: 1 | 2
  /**
   * The identifier of the user's authenticator when they signed in, in the stage `in`. The session ends with it: where
   * another is in its place, or none is left, whoever replaced or revoked it and however.
   */
  readonly enrolment?: string
  /** The State of the challenge that a code will answer, in the stage `code`. */
  readonly state?: string
  /** Kept for the pages: the identifier of an enrolment that was begun, the message to show next, … */
  readonly notes?: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly seenAt: number
}

/**
 * The stems under which it can be ended: a user with several names may have typed another one than that under which an
 * administrator locks them or revokes their authenticator.
 */
export function stemsOf({ user, subject }: Pick<WebSession, 'user' | 'subject'>): ReadonlySet<string> {
  return new Set(subject === undefined ? [user] : [user, stemOf(subject)])
}

export interface WebSessionLimits {
  /** Milliseconds without a request after which a session ends. */
  readonly idleMs: number
  /** Milliseconds after which it ends in any case. */
  readonly absoluteMs: number
  /** Milliseconds for which one lives in the stage `code`, from each question on, however often the page is loaded. */
  readonly codeMs: number
}

/** Web sessions by the digest of the secret in the cookie. Every method may throw `Unavailable`. */
export interface WebSessionStore {
  /** @param id digest of the cookie's secret. */
  put(id: string, session: WebSession): Promise<void>
  /** @returns undefined where there is none, or where its time is over. */
  get(id: string): Promise<WebSession | undefined>
  /** Notes that it is in use. Never brings back one that has ended. */
  touch(id: string, session: WebSession): Promise<void>
  /** Changes what it holds without changing whom it stands for. @returns false where it has ended. */
  change(id: string, session: WebSession): Promise<boolean>
  /** Ends `before` and begins `after` in its place. @returns false, with nothing begun, where `before` has ended. */
  rotate(before: string, after: string, session: WebSession): Promise<boolean>
  delete(id: string): Promise<void>
  /** Ends every session that was created up to this moment and has the stem among its own (`stemsOf`). */
  deleteAllOf(user: string): Promise<void>
}
