import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import type { Runtime } from '../domain/runtime.ts'
import {
  endingsOf,
  type SessionUse,
  usernamesOf,
  type WebSession,
  type WebSessionLimits,
  type WebSessionStore,
} from '../domain/web-session.ts'

export interface WebSessionOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly sessions: EphemeralStore<WebSession>
  /** By username: the last ending of all of the user's sessions. Its identifier, so that no clocks are compared. */
  readonly endings: EphemeralStore<string>
  /** Whether the subject has the authenticator of this identifier now. @throws Unavailable */
  readonly hasAuthenticator: (subject: string, id: string) => Promise<boolean>
  /** Whether the subject has the passkey of this identifier. @throws Unavailable */
  readonly hasPasskey: (subject: string, id: string) => Promise<boolean>
  /** The session with the user's present groups; undefined where the user's present state ends it. @throws Unavailable */
  readonly present: (session: WebSession, use: SessionUse) => Promise<WebSession | undefined>
  readonly limits: WebSessionLimits
}

/** A session is extended by less than `absoluteMs`; a request that has read it may still extend it a moment later. */
const ENDING_OUTLIVES_MS = 60_000

/** Web sessions over any ephemeral store, so that brokers can share them. */
export function webSessions(options: WebSessionOptions): WebSessionStore {
  const { sessions, endings, hasAuthenticator, hasPasskey, present, limits, clock, random } = options

  /** Milliseconds until an idle session expires; 0 or less if it has. */
  const remaining = ({ createdAt, stage }: WebSession): number =>
    Math.min(
      limits.idleMs,
      createdAt + limits.absoluteMs - clock.now(),
      stage === 'code' ? limits.codeMs : Number.POSITIVE_INFINITY,
    )

  async function wasEnded(session: WebSession): Promise<boolean> {
    const last = Object.entries(await endingsOf(usernamesOf(session), endings))
    return last.some(([name, ending]) => ending !== null && ending !== session.endings?.[name])
  }

  /** Asks each time: a command or another broker that revokes the authenticator could not invalidate a cache here. */
  async function hasItsAuthenticator(session: WebSession): Promise<boolean> {
    const { stage, subject, enrolment, passkey, signedOn } = session
    if (stage !== 'in') return true
    if (subject !== undefined && passkey !== undefined) return hasPasskey(subject, passkey)
    if (enrolment === undefined && signedOn?.hasSecondFactor === true) return true
    return subject !== undefined && enrolment !== undefined && hasAuthenticator(subject, enrolment)
  }

  return {
    put: (id, session) => sessions.put(id, session, remaining(session)),
    async get(id, use) {
      const session = await sessions.get(id)
      if (session === undefined || remaining(session) <= 0) return undefined
      if (await wasEnded(session)) return undefined
      if (!(await hasItsAuthenticator(session))) return undefined
      const now = await present(session, use)
      // It stays over when its user is enabled again, or the directory answers again.
      if (now === undefined) await sessions.delete(id)
      return now
    },
    async touch(id, session) {
      const ttlMs = remaining(session)
      if (ttlMs > 0 && session.stage !== 'code')
        await sessions.putIfPresent(id, { ...session, seenAt: clock.now() }, ttlMs)
    },
    async change(id, session) {
      const ttlMs = remaining(session)
      return ttlMs > 0 && sessions.putIfPresent(id, session, ttlMs)
    },
    async rotate(before, after, session) {
      const ttlMs = remaining(session)
      // Taken first: of two requests that step up from one session, one succeeds.
      if ((await sessions.take(before)) === undefined || ttlMs <= 0) return false
      await sessions.put(after, session, ttlMs)
      return true
    },
    delete: (id) => sessions.delete(id),
    async deleteAllOf(user) {
      const ending = random.id()
      await endings.put(user, ending, limits.absoluteMs + ENDING_OUTLIVES_MS)
      return ending
    },
    endingsOf: (names) => endingsOf(names, endings),
  }
}
