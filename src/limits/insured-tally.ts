import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { Unavailable } from '../domain/person.ts'
import type { Debt, Owed } from './owed.ts'
import { NotAsked } from './redis-connection.ts'
import type { Counted, SharedTally, Tally } from './tally.ts'

export interface InsuredTallyOptions {
  readonly shared: SharedTally
  /** This broker's own, which holds a part of each limit. */
  readonly own: Tally
  /** What the shared one is to be told when it is back. */
  readonly owed: Pick<Owed, 'add'>
  readonly clock: Clock
  readonly log: Log
}

/**
 * The shared tally, and while it cannot be asked this broker's own. What was counted by one of them is settled with it
 * where that can be; what the shared one cannot be told of is owed to it, so that nobody is held for an outage. A
 * failed guess is never lost: it counts in the one that answers, and where that is the own one, the shared one goes on
 * holding it as one in flight.
 */
export function insuredTally({ shared, own, owed, clock, log }: InsuredTallyOptions): Tally {
  const takenAlone = new WeakSet<Counted>()
  let alone = false

  async function ask<T>(
    question: () => Promise<T>,
    instead: (outage: Unavailable) => Promise<T> | T,
  ): Promise<T> {
    try {
      const answer = await question()
      if (alone) log.info('limits.shared')
      alone = false
      return answer
    } catch (outage) {
      if (!(outage instanceof Unavailable)) throw outage
      if (!alone) log.warn('limits.alone', { error: outage })
      alone = true
      return instead(outage)
    }
  }

  function tell(debt: Debt): Promise<void> {
    const since = clock.monotonic()
    return ask(
      () => debt(0),
      () => owed.add(debt, since),
    )
  }

  /** One that hangs will still count it, once it goes on, and one that ended may have: it is asked to undo it as well. */
  function undo(counted: Counted): void {
    const since = clock.monotonic()
    const debt = () => shared.giveBack(counted, [])
    debt().catch(() => owed.add(debt, since))
  }

  return {
    take: (counted) =>
      ask(
        () => shared.take(counted),
        (outage) => {
          if (!(outage instanceof NotAsked)) undo(counted)
          takenAlone.add(counted)
          return own.take(counted)
        },
      ),
    async giveBack(counted, forgiven, kept) {
      await own.giveBack(counted, forgiven, kept)
      if (takenAlone.has(counted) && forgiven.length === 0) return
      await tell((agoMs) => shared.giveBack(counted, forgiven, kept, agoMs))
    },
    async fail(counted) {
      if (takenAlone.has(counted)) return own.fail(counted)
      return ask(
        () => shared.fail(counted),
        () => own.fail(counted),
      )
    },
    async forget(counted, scopes) {
      await own.forget(counted, scopes)
      await tell((agoMs) => shared.forget(counted, scopes, agoMs))
    },
  }
}
