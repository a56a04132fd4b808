import type { ChallengeStore, PendingChallenge } from '../domain/challenge.ts'
import type { Clock } from '../domain/clock.ts'
import { Unavailable } from '../domain/person.ts'

export interface MemoryChallengeOptions {
  readonly clock: Clock
  /** Challenges that may wait at once; each costs about a kilobyte. */
  readonly capacity?: number
}

/** Challenges of one broker, in memory: a restart ends those that wait, and the users log in again. */
export function memoryChallenges({ clock, capacity = 50_000 }: MemoryChallengeOptions): ChallengeStore {
  const waiting = new Map<string, { readonly challenge: PendingChallenge; readonly until: number }>()

  function dropExpired(now: number): void {
    for (const [state, { until }] of waiting) {
      if (until > now) return // every challenge lives equally long, so the map is in the order of their ends
      waiting.delete(state)
    }
  }

  return {
    async put(state, challenge, ttlMs) {
      const now = clock.monotonic()
      dropExpired(now)
      if (waiting.size >= capacity)
        throw new Unavailable('challenges', `${capacity} logins are waiting for a code`)
      waiting.set(state, { challenge, until: now + ttlMs })
    },
    async take(state) {
      const entry = waiting.get(state)
      waiting.delete(state)
      return entry !== undefined && entry.until > clock.monotonic() ? entry.challenge : undefined
    },
  }
}
