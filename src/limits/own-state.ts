import type { Clock } from '../domain/clock.ts'
import type { OpenPassing } from '../domain/passing-store.ts'
import { memoryPassingStore } from './memory-passing-store.ts'
import { memoryTally } from './memory-tally.ts'
import type { Tally, TallyRules } from './tally.ts'

/** Counts and passing state of one broker, whether it is one process or several. */
export interface OwnState {
  tally(rules: TallyRules): Tally
  readonly open: OpenPassing
}

/** Of a broker that is one process: in its memory. */
export function stateInMemory(clock: Clock): OwnState {
  return {
    tally: (rules) => memoryTally(rules, { clock }),
    open: (name, capacity) => memoryPassingStore({ name, clock, capacity }),
  }
}
