import type { RepeatedRequest } from '../domain/attempt-limits.ts'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import type { AttemptCounter, BudgetName, WindowFull } from '../limits/attempt-counter.ts'
import type { LocalState } from './local-state.ts'

/** One call of a worker to the state that its parent holds, in plain JSON. */
export type StateRequest =
  | { readonly of: 'counter'; readonly method: keyof AttemptCounter; readonly args: readonly unknown[] }
  | {
      readonly of: 'store'
      /** Which store, and how much it may hold. */
      readonly name: string
      readonly capacity: number
      readonly method: keyof EphemeralStore<unknown>
      readonly args: readonly unknown[]
    }

/** Sends a call to the parent. @throws Unavailable */
export type AskState = (request: StateRequest) => Promise<unknown>

/** The state as a worker sees it: each step is one call to the process that all workers share. */
export function sharedStateClient(ask: AskState): LocalState {
  return {
    counter: () => counterOfParent(ask),
    open: (name, capacity) => storeOfParent(ask, name, capacity),
  }
}

function counterOfParent(ask: AskState): AttemptCounter {
  const step = (method: keyof AttemptCounter, ...args: readonly unknown[]) =>
    ask({ of: 'counter', method, args })
  return {
    take: async (keys) =>
      ((await step('take', keys)) ?? undefined) as WindowFull | RepeatedRequest | undefined,
    refund: async (keys, forgiven, kept = []) => void (await step('refund', keys, forgiven, kept)),
    fail: async (keys) => (await step('fail', keys)) as BudgetName[],
    forget: async (keys, budgets) => void (await step('forget', keys, budgets)),
    addTally: async (key) => (await step('addTally', key)) as number,
    endTally: async (key) => (await step('endTally', key)) as number,
  }
}

function storeOfParent<Value>(ask: AskState, name: string, capacity: number): EphemeralStore<Value> {
  const step = (method: keyof EphemeralStore<Value>, ...args: readonly unknown[]) =>
    ask({ of: 'store', name, capacity, method, args })
  const found = (answer: unknown) => (answer ?? undefined) as Value | undefined
  return {
    put: async (key, value, ttlMs) => void (await step('put', key, value, ttlMs)),
    putIfAbsent: async (key, value, ttlMs) => (await step('putIfAbsent', key, value, ttlMs)) === true,
    putIfPresent: async (key, value, ttlMs) => (await step('putIfPresent', key, value, ttlMs)) === true,
    get: async (key) => found(await step('get', key)),
    take: async (key) => found(await step('take', key)),
    delete: async (key) => void (await step('delete', key)),
  }
}
