import type { PasswordNotice } from './account-state.ts'
import type { EphemeralStore } from './ephemeral-store.ts'
import { usernameOf } from './login-name.ts'
import type { SignedOn } from './single-sign-on.ts'

/** The progress of a sign-in. Each step gets a new session identifier. */
type WebStage =
  /** The first factor was right; a code for `state` is expected. */
  | 'code'
  /** The first factor was right, or an invitation was shown, and there is no authenticator yet. */
  | 'enrol'
  /** Signed in. */
  | 'in'

/** What a request does with its session. Ending a session is reading. */
export type SessionUse = 'read' | 'write'

/** By username, the last ending of all of the user's sessions; null where there was none lately. */
export type Endings = Readonly<Record<string, string | null>>

/** The session of a browser. Plain JSON, without the cookie's value. Times are wall milliseconds. */
export interface WebSession {
  readonly stage: WebStage
  /** The username that was typed: the key of limits and lockouts. */
  readonly user: string
  /** The name as it was typed, for display and to be sent with the code. */
  readonly typed: string
  /** The key of authenticators and records; absent while an identity store still asks a question. */
  readonly subject?: string
  /** The identity store that confirmed the user; absent before that, and after an enrolment ticket. */
  readonly source?: string
  /** `Account.record` of the sign-in. */
  readonly record?: string
  readonly groups: readonly string[]
  /** What the user may read of the password. */
  readonly passwordNotice?: PasswordNotice
  /** Factors that were checked; managing other users needs two. */
  readonly factors: 1 | 2
  /**
   * In the stage `in`, the authenticator that the user signed in with, by identifier. The session ends when that
   * authenticator is replaced or revoked. Absent where the provider of the single sign-on has checked both factors.
   */
  readonly enrolment?: string
  /** Present where the provider of the single sign-on has signed the user in. */
  readonly signedOn?: SignedOn
  /** In its place, the passkey that the user signed in with, by identifier; the session ends when it is removed. */
  readonly passkey?: string
  /** In the stage `code`, the State of the challenge. */
  readonly state?: string
  /** Data of the pages: the identifier of a pending enrolment, the message to show next, … */
  readonly notes?: Readonly<Record<string, string | undefined>>
  /** What had ended the user's sessions before this sign-in began. */
  readonly endings?: Endings
  readonly createdAt: number
  readonly seenAt: number
}

/**
 * The names by which the session can be ended: a user with several names may have typed another one than the
 * administrator who locks them or revokes their authenticator. The provider of a single sign-on has names of its own.
 */
export function usernamesOf({
  user,
  subject,
  signedOn,
}: Pick<WebSession, 'user' | 'subject' | 'signedOn'>): ReadonlySet<string> {
  const own = subject === undefined ? [] : [usernameOf(subject)]
  return new Set([user, ...own, ...(signedOn?.endedBy ?? [])])
}

/** @param endings by username, the last ending. @throws Unavailable */
export async function endingsOf(
  names: Iterable<string>,
  endings: Pick<EphemeralStore<string>, 'get'>,
): Promise<Endings> {
  const each = [...names].map(async (name) => [name, (await endings.get(name)) ?? null] as const)
  return Object.fromEntries(await Promise.all(each))
}

export interface WebSessionLimits {
  /** Milliseconds until a session without requests ends. */
  readonly idleMs: number
  /** Milliseconds until it ends in any case. */
  readonly absoluteMs: number
  /** Milliseconds that the stage `code` lasts after each question; loading the page does not extend it. */
  readonly codeMs: number
}

/** Web sessions by the digest of the secret in the cookie. Every method may throw `Unavailable`. */
export interface WebSessionStore {
  /** @param id digest of the cookie's secret. */
  put(id: string, session: WebSession): Promise<void>
  /** @returns undefined if there is none, or it has expired. @throws Unavailable where it may only be read. */
  get(id: string, use: SessionUse): Promise<WebSession | undefined>
  /** Extends it. Never restores one that has ended. */
  touch(id: string, session: WebSession): Promise<void>
  /** Changes its content, not its user. @returns false if it has ended. */
  change(id: string, session: WebSession): Promise<boolean>
  /** Replaces `before` by `after`. @returns false, with nothing changed, if `before` has ended. */
  rotate(before: string, after: string, session: WebSession): Promise<boolean>
  delete(id: string): Promise<void>
  /**
   * Ends all sessions so far that have this name among their `usernamesOf`, and sign-ins in progress.
   * @returns the ending, for `WebSession.endings` of a session that goes on.
   */
  deleteAllOf(user: string): Promise<string>
  /** For `WebSession.endings` of a session that begins. */
  endingsOf(names: Iterable<string>): Promise<Endings>
}
