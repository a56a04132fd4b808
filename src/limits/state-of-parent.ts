import type { LimitReached } from '../domain/limits.ts'
import type { LockoutScope } from '../domain/lockout.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import type { OwnState } from './own-state.ts'
import type { AskState } from './state-calls.ts'
import type { Tally } from './tally.ts'

/** The state as a worker sees it: a step is one question to the process that all workers share. */
export function stateOfParent(ask: AskState): OwnState {
  return {
    tally: () => tallyOfParent(ask),
    open: (name, capacity) => storeOfParent(ask, name, capacity),
  }
}

function tallyOfParent(ask: AskState): Tally {
  const step = (method: keyof Tally, ...args: readonly unknown[]) => ask({ of: 'tally', method, args })
  return {
    take: async (counted) => ((await step('take', counted)) ?? undefined) as LimitReached | undefined,
    giveBack: async (counted, forgiven, kept = []) => void (await step('giveBack', counted, forgiven, kept)),
    fail: async (counted) => (await step('fail', counted)) as LockoutScope[],
    forget: async (counted, scopes) => void (await step('forget', counted, scopes)),
  }
}

function storeOfParent<Value>(ask: AskState, name: string, capacity: number): PassingStore<Value> {
  const step = (method: keyof PassingStore<Value>, ...args: readonly unknown[]) =>
    ask({ of: 'passing', name, capacity, method, args })
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
