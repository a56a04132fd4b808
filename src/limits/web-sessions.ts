import type { Clock } from '../domain/clock.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import {
  stemsOf,
  type WebSession,
  type WebSessionLimits,
  type WebSessionStore,
} from '../domain/web-session.ts'

export interface WebSessionOptions {
  readonly sessions: PassingStore<WebSession>
  /** By stem: the moment up to which every session of theirs has been ended, in wall milliseconds. */
  readonly endings: PassingStore<number>
  /** The identifier of the subject's present authenticator; undefined where there is none. @throws Unavailable */
  readonly authenticatorOf: (subject: string) => Promise<string | undefined>
  readonly limits: WebSessionLimits
  readonly clock: Clock
}

/** Web sessions over any store of passing state, so that many brokers can share them. */
export function webSessions(options: WebSessionOptions): WebSessionStore {
  const { sessions, endings, authenticatorOf, limits, clock } = options

  /** Milliseconds for which a session lives on if nothing more is heard of it; 0 or less where it is over. */
  const remaining = ({ createdAt, stage }: WebSession): number =>
    Math.min(
      limits.idleMs,
      createdAt + limits.absoluteMs - clock.now(),
      stage === 'code' ? limits.codeMs : Number.POSITIVE_INFINITY,
    )

  async function wasEnded(session: WebSession): Promise<boolean> {
    const endedUpTo = await Promise.all([...stemsOf(session)].map((stem) => endings.get(stem)))
    return endedUpTo.some((end) => end !== undefined && session.createdAt <= end)
  }

  /** Asked anew each time: a command that revokes it, or another broker, could not say so to a memory here. */
  async function hasItsAuthenticator({ stage, subject, enrolment }: WebSession): Promise<boolean> {
    if (stage !== 'in') return true
    return subject !== undefined && enrolment !== undefined && (await authenticatorOf(subject)) === enrolment
  }

  return {
    put: (id, session) => sessions.put(id, session, remaining(session)),
    async get(id) {
      const session = await sessions.get(id)
      if (session === undefined || remaining(session) <= 0) return undefined
      if (await wasEnded(session)) return undefined
      return (await hasItsAuthenticator(session)) ? session : undefined
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
    deleteAllOf: (user) => endings.put(user, clock.now(), limits.absoluteMs),
  }
}
