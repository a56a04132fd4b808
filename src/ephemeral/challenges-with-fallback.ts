import type { ChallengeStore, PendingChallenge } from '../domain/challenge.ts'
import type { Clock } from '../domain/clock.ts'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { Unavailable } from '../domain/errors.ts'
import type { RetryQueue } from '../redis/retry-queue.ts'

/** The copy of a challenge at the broker that made it. */
export interface LocalChallenge {
  readonly challenge: PendingChallenge
  /** The shared store was unavailable, so no other broker has the challenge. */
  readonly isLocalOnly: boolean
  /** Milliseconds for which it could be answered when it was made. */
  readonly ttlMs: number
}

export interface ChallengesWithFallbackOptions {
  readonly shared: Pick<EphemeralStore<PendingChallenge>, 'put' | 'take' | 'delete'>
  readonly local: Pick<EphemeralStore<LocalChallenge>, 'put' | 'take'>
  /** States answered from `local` that the shared store may still have. It outlives a process as `local` does. */
  readonly spent: Pick<EphemeralStore<true>, 'get' | 'put'>
  /** What the shared store is told when it is back. */
  readonly retries: Pick<RetryQueue, 'add'>
  readonly clock: Clock
}

/**
 * Challenges that any broker can finish. While their store is unavailable the broker that made a challenge answers from
 * its copy. If the shared store answers, its answer counts, so a State is answered once over all brokers; a State
 * answered from the copy is deleted from the shared store as soon as that is back.
 */
export function challengesWithFallback(options: ChallengesWithFallbackOptions): ChallengeStore {
  const { shared, local, spent, retries, clock } = options
  return {
    async put(state, challenge, ttlMs) {
      const isLocalOnly = await isUnavailable(shared.put(state, challenge, ttlMs))
      try {
        await local.put(state, { challenge, isLocalOnly, ttlMs }, ttlMs)
      } catch (full) {
        if (isLocalOnly) throw full
      }
    },
    async take(state) {
      const [isSpent, mine] = await Promise.all([spent.get(state), local.take(state)])
      if (isSpent) return undefined
      try {
        // Also for a local challenge: `put` may have reached the shared store after its time-out.
        const theirs = await shared.take(state)
        return mine?.isLocalOnly ? mine.challenge : theirs
      } catch (outage) {
        if (!(outage instanceof Unavailable) || mine === undefined) throw outage
        // Marked as spent before it is answered; fails if that cannot be remembered.
        retries.add(() => shared.delete(state), clock.monotonic())
        await spent.put(state, true, mine.ttlMs)
        return mine.challenge
      }
    },
  }
}

async function isUnavailable(work: Promise<void>): Promise<boolean> {
  try {
    await work
    return false
  } catch (error) {
    if (error instanceof Unavailable) return true
    throw error
  }
}
