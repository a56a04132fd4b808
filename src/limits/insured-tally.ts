import type { Log } from '../domain/log.ts'
import { Unavailable } from '../domain/person.ts'
import type { Counted, Tally } from './tally.ts'

/**
 * The shared tally, and while it cannot be asked this broker's own, which holds a part of each limit. What was counted
 * by one of them is settled with it where that can be; what cannot be taken back lapses by itself. A failed guess is
 * never lost: it counts in the one that answers.
 */
export function insuredTally(shared: Tally, own: Tally, log: Log): Tally {
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
  const lapses = () => undefined

  return {
    take: (counted) =>
      ask(
        () => shared.take(counted),
        () => {
          // One that hangs will still do what it was asked, once it goes on; so it is asked to undo it as well.
          shared.giveBack(counted, []).catch(() => undefined)
          takenAlone.add(counted)
          return own.take(counted)
        },
      ),
    async giveBack(counted, forgiven, kept) {
      await own.giveBack(counted, forgiven, kept)
      if (takenAlone.has(counted) && forgiven.length === 0) return
      await ask(() => shared.giveBack(counted, forgiven, kept), lapses)
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
      await ask(() => shared.forget(counted, scopes), lapses)
    },
  }
}
