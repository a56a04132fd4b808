import type { Clock } from '../domain/clock.ts'
import { RATES } from '../domain/limits.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import { type OwnState, stateInMemory } from './own-state.ts'
import type { StateCall } from './state-calls.ts'
import type { Counted, Tally, TallyRules } from './tally.ts'

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>

/**
 * The state that workers share, in the memory of their parent. It outlives each of them: whoever had tried four
 * passwords before a worker was replaced has tried four afterwards.
 */
export class StateDesk {
  readonly #state: OwnState
  readonly #stores = new Map<string, PassingStore<unknown>>()
  /** Attempts that each worker has begun and not ended, with where they were counted. */
  readonly #open = new Map<number, Map<string, { readonly tally: Tally; readonly counted: Counted }>>()
  #rules: TallyRules | undefined
  #tally: Tally | undefined

  constructor(clock: Clock) {
    this.#state = stateInMemory(clock)
  }

  /** Other rules begin with an empty count, for every worker at once; the same ones change nothing. */
  countBy(rules: TallyRules): void {
    if (JSON.stringify(rules) === JSON.stringify(this.#rules)) return
    this.#rules = rules
    this.#tally = this.#state.tally(rules)
  }

  /** @param pid of the worker that asks. @throws Unavailable, as the store does. */
  async answer(call: StateCall, pid: number): Promise<unknown> {
    if (call.of === 'passing') return perform(this.#store(call.name, call.capacity), call.method, call.args)
    const [counted] = call.args as [Counted]
    const tally = this.#open.get(pid)?.get(counted.id)?.tally ?? this.#tally
    const answer = await perform(tally, call.method, call.args)
    if (call.method !== 'take') this.#open.get(pid)?.delete(counted.id)
    else if (answer === undefined && tally !== undefined)
      this.#openOf(pid).set(counted.id, { tally, counted })
    return answer
  }

  /**
   * A worker has died: what it had begun is nobody's failed guess, and must not hold a budget until it lapses. The
   * rates go on counting it, so that a login that ends its worker cannot be tried without end.
   */
  async forget(pid: number): Promise<void> {
    const begun = this.#open.get(pid)?.values() ?? []
    this.#open.delete(pid)
    for (const { tally, counted } of begun) await tally.giveBack(counted, [], RATES)
  }

  #openOf(pid: number): Map<string, { readonly tally: Tally; readonly counted: Counted }> {
    const known = this.#open.get(pid) ?? new Map()
    this.#open.set(pid, known)
    return known
  }

  #store(name: string, capacity: number): PassingStore<unknown> {
    const known = this.#stores.get(name)
    if (known !== undefined) return known
    const store = this.#state.open<unknown>(name, capacity)
    this.#stores.set(name, store)
    return store
  }
}

async function perform(
  asked: object | undefined,
  method: string,
  args: readonly unknown[],
): Promise<unknown> {
  const methods = asked as Methods | undefined
  const answer = methods?.[method]
  if (answer === undefined) throw new Error(`nothing here answers to ${method}`)
  return answer.apply(methods, args as unknown[])
}
