import type { PassingStore } from '../domain/passing-store.ts'
import type { Tally } from './tally.ts'

/** One call of a worker to the state that its parent holds, in plain JSON. */
export type StateCall =
  | { readonly of: 'tally'; readonly method: keyof Tally; readonly args: readonly unknown[] }
  | {
      readonly of: 'passing'
      /** Which store, and what it may hold. */
      readonly name: string
      readonly capacity: number
      readonly method: keyof PassingStore<unknown>
      readonly args: readonly unknown[]
    }

/** Puts a call to the parent. @throws Unavailable */
export type AskState = (call: StateCall) => Promise<unknown>
