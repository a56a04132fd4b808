import { RATE_NAMES } from '../domain/attempt-limits.ts'
import type { Clock } from '../domain/clock.ts'
import type { AttemptCounter, CounterKeys, CounterRules } from '../limits/attempt-counter.ts'
import { type LocalState, stateInMemory } from './local-state.ts'
import type { StateRequest } from './shared-state-client.ts'

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>

interface OpenAttempt {
  readonly counter: AttemptCounter
  readonly keys: CounterKeys
}

/**
 * The state that workers share, in the memory of their parent. It outlives each of them: a user who had tried four
 * passwords before a worker was replaced has tried four afterwards.
 */
export class SharedStateServer {
  readonly #state: LocalState
  /** Attempts that each worker has open, with the counter that counts them. */
  readonly #open = new Map<number, Map<string, OpenAttempt>>()
  #rules: CounterRules | undefined
  #counter: AttemptCounter | undefined

  constructor(clock: Clock) {
    this.#state = stateInMemory(clock)
  }

  /** From now on these rules hold, for every worker at once. What was counted by others goes on counting. */
  countBy(rules: CounterRules): void {
    if (JSON.stringify(rules) === JSON.stringify(this.#rules)) return
    this.#rules = rules
    this.#counter = this.#state.counter(rules)
  }

  /** @param pid of the worker that asks. @throws Unavailable, as the store does. */
  async answer(request: StateRequest, pid: number): Promise<unknown> {
    const { method, args } = request
    if (request.of === 'store') return call(this.#state.open(request.name, request.capacity), method, args)
    const [keys] = args as [CounterKeys]
    const counter = this.#open.get(pid)?.get(keys.id)?.counter ?? this.#counter
    const answer = await call(counter, method, args)
    if (method !== 'take') this.#open.get(pid)?.delete(keys.id)
    else if (answer === undefined && counter !== undefined)
      this.#attemptsOf(pid).set(keys.id, { counter, keys })
    return answer
  }

  /**
   * A worker has died: its open attempts are no failed guesses, and must not take from a budget until they expire. The
   * rates go on counting them, so that a login that kills its worker cannot be tried without limit.
   */
  async forget(pid: number): Promise<void> {
    const open = this.#open.get(pid)?.values() ?? []
    this.#open.delete(pid)
    // What has rates is a login; what has none is a password that a directory may have counted.
    for (const { counter, keys } of open)
      await (keys.rates.length > 0 ? counter.refund(keys, [], RATE_NAMES) : counter.fail(keys))
  }

  #attemptsOf(pid: number): Map<string, OpenAttempt> {
    const known = this.#open.get(pid) ?? new Map<string, OpenAttempt>()
    this.#open.set(pid, known)
    return known
  }
}

async function call(target: object | undefined, method: string, args: readonly unknown[]): Promise<unknown> {
  const methods = target as Methods | undefined
  const named = methods?.[method]
  if (named === undefined) throw new Error(`the shared state has no ${method}`)
  return named.apply(methods, args as unknown[])
}
