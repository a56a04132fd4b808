import type { ChallengeStore, PendingChallenge } from '../domain/challenge.ts'
import type { Clock } from '../domain/clock.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import { Unavailable } from '../domain/person.ts'
import type { Owed } from './owed.ts'

/** A challenge as its maker keeps it. */
export interface OwnChallenge {
  readonly challenge: PendingChallenge
  /** It could not be shared, so no other broker has it. */
  readonly isAlone: boolean
  /** How long it could be answered when it was made, in milliseconds. */
  readonly ttlMs: number
}

export interface InsuredChallengesOptions {
  readonly shared: Pick<PassingStore<PendingChallenge>, 'put' | 'take' | 'delete'>
  readonly own: Pick<PassingStore<OwnChallenge>, 'put' | 'take'>
  /** States that were answered from `own` and that the shared store may still have. It outlives a worker as `own` does. */
  readonly spent: Pick<PassingStore<true>, 'get' | 'put'>
  /** What the shared one is to be told when it is back. */
  readonly owed: Pick<Owed, 'add'>
  readonly clock: Clock
}

/**
 * Challenges that any broker can finish, and while their store is away those of the broker that made them, which keeps
 * a copy. Where the shared store answers, its word decides, so a State is answered once over all brokers; one that was
 * answered from the copy is taken out of the shared store as soon as that is back.
 */
export function insuredChallenges(options: InsuredChallengesOptions): ChallengeStore {
  const { shared, own, spent, owed, clock } = options

  /** Before it is answered. @throws Unavailable where that cannot be remembered. */
  async function spend(state: string, { ttlMs }: OwnChallenge): Promise<void> {
    owed.add(() => shared.delete(state), clock.monotonic())
    await spent.put(state, true, ttlMs)
  }

  return {
    async put(state, challenge, ttlMs) {
      const outage = await outageOf(shared.put(state, challenge, ttlMs))
      try {
        await own.put(state, { challenge, isAlone: outage !== undefined, ttlMs }, ttlMs)
      } catch (full) {
        if (outage !== undefined) throw full
      }
    },
    async take(state) {
      const [isSpent, mine] = await Promise.all([spent.get(state), own.take(state)])
      if (isSpent) return undefined
      try {
        // Asked for one that is alone, too: an answer that came too late may have left it there.
        const theirs = await shared.take(state)
        return mine?.isAlone === true ? mine.challenge : theirs
      } catch (outage) {
        if (!(outage instanceof Unavailable) || mine === undefined) throw outage
        await spend(state, mine)
        return mine.challenge
      }
    },
  }
}

/** @returns the outage that kept it from being done. */
async function outageOf(work: Promise<void>): Promise<Unavailable | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof Unavailable) return error
    throw error
  }
}
