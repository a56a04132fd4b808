import type { Clock } from '../domain/clock.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import type { WebSession, WebSessionLimits, WebSessionStore } from '../domain/web-session.ts'

export interface WebSessionOptions {
  readonly sessions: PassingStore<WebSession>
  /** By user: the moment up to which every session of theirs has been ended, in wall milliseconds. */
  readonly endings: PassingStore<number>
  readonly limits: WebSessionLimits
  readonly clock: Clock
}

/** Web sessions over any store of passing state, so that many brokers can share them. */
export function webSessions({ sessions, endings, limits, clock }: WebSessionOptions): WebSessionStore {
  /** Milliseconds for which a session lives on if nothing more is heard of it; 0 or less where it is over. */
  const remaining = ({ createdAt }: WebSession): number =>
    Math.min(limits.idleMs, createdAt + limits.absoluteMs - clock.now())

  return {
    put: (id, session) => sessions.put(id, session, remaining(session)),
    async get(id) {
      const session = await sessions.get(id)
      if (session === undefined || remaining(session) <= 0) return undefined
      const endedUpTo = await endings.get(session.user)
      return endedUpTo !== undefined && session.createdAt <= endedUpTo ? undefined : session
    },
    async touch(id, session) {
      const ttlMs = remaining(session)
      if (ttlMs > 0) await sessions.putIfPresent(id, { ...session, seenAt: clock.now() }, ttlMs)
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
