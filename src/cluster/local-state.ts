import type { Clock } from '../domain/clock.ts'
import type { EphemeralStore, OpenEphemeralStore } from '../domain/ephemeral-store.ts'
import { memoryStore } from '../ephemeral/memory-store.ts'
import type { AttemptCounter, CounterRules } from '../limits/attempt-counter.ts'
import { type CountedPoints, memoryCounter } from '../limits/memory-counter.ts'

/** Counts and ephemeral state of one broker, whether it is one process or several. */
export interface LocalState {
  /** Counts by these rules. What was counted by others goes on counting. */
  counter(rules: CounterRules): AttemptCounter
  /** The store of this name: always the same one. */
  readonly open: OpenEphemeralStore
}

/** Of a broker that is one process: in its memory. */
export function stateInMemory(clock: Clock): LocalState {
  const stores = new Map<string, EphemeralStore<unknown>>()
  const counted: CountedPoints = new Map()
  return {
    counter: (rules) => memoryCounter(rules, { clock, counted }),
    open<Value>(name: string, capacity: number) {
      const store = stores.get(name) ?? memoryStore<unknown>({ name, clock, capacity })
      stores.set(name, store)
      return store as EphemeralStore<Value>
    },
  }
}
