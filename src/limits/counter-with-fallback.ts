import { Unavailable } from '../domain/errors.ts'
import type { Runtime } from '../domain/runtime.ts'
import { NotAsked } from '../redis/connection.ts'
import type { RetryOperation, RetryQueue } from '../redis/retry-queue.ts'
import type { AttemptCounter, CounterKeys, SharedAttemptCounter } from './attempt-counter.ts'

export interface LocalFallbackOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly shared: SharedAttemptCounter
  /** This broker's own counter, with its share of each limit. */
  readonly local: AttemptCounter
  /** What the shared counter is told when it is back. */
  readonly retries: Pick<RetryQueue, 'add'>
}

/**
 * Counts in the shared counter and, while that is unavailable, in the local one. Refunds that cannot reach the shared
 * counter are queued and replayed, so an outage never blocks a user. A failed guess is never lost: it counts in the
 * counter that answers; if that is the local one, the shared one goes on holding the guess as in flight.
 */
export function withLocalFallback({
  shared,
  local,
  retries,
  clock,
  log,
}: LocalFallbackOptions): AttemptCounter {
  const countedLocally = new WeakSet<CounterKeys>()
  let isAlone = false

  async function ask<T>(question: () => Promise<T>, fallback: (outage: Unavailable) => Promise<T> | T) {
    try {
      const answer = await question()
      if (isAlone) log.info('limits.shared')
      isAlone = false
      return answer
    } catch (outage) {
      if (!(outage instanceof Unavailable)) throw outage
      if (!isAlone) log.warn('limits.alone', { error: outage })
      isAlone = true
      return fallback(outage)
    }
  }

  function askOrRetry(operation: RetryOperation): Promise<void> {
    const since = clock.monotonic()
    return ask(
      () => operation(0),
      () => retries.add(operation, since),
    )
  }

  /** A server that hangs or ended after it was asked may have counted the attempt: it is asked to undo that. */
  function undo(keys: CounterKeys): void {
    const since = clock.monotonic()
    const operation = () => shared.refund(keys, [])
    operation().catch(() => retries.add(operation, since))
  }

  return {
    take: (keys) =>
      ask(
        () => shared.take(keys),
        (outage) => {
          if (!(outage instanceof NotAsked)) undo(keys)
          countedLocally.add(keys)
          return local.take(keys)
        },
      ),
    async refund(keys, forgiven, kept) {
      await local.refund(keys, forgiven, kept)
      if (countedLocally.has(keys) && forgiven.length === 0) return
      await askOrRetry((agoMs) => shared.refund(keys, forgiven, kept, agoMs))
    },
    async fail(keys) {
      if (countedLocally.has(keys)) return local.fail(keys)
      return ask(
        () => shared.fail(keys),
        () => local.fail(keys),
      )
    },
    async forget(keys, budgets) {
      await local.forget(keys, budgets)
      await askOrRetry((agoMs) => shared.forget(keys, budgets, agoMs))
    },
    addTally: (key) =>
      ask(
        () => shared.addTally(key),
        () => local.addTally(key),
      ),
    endTally: (key) =>
      ask(
        () => shared.endTally(key),
        () => local.endTally(key),
      ),
  }
}
